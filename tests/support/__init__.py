"""Real servers, real images and a small registry client for the tests and the benchmarks.

Each server module offers a context manager that starts one private server on a free loopback port and ends it. Servers
die with the process that started them, even when that is killed, and must therefore be started from its main thread.
"""
