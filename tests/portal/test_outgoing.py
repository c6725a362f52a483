import socket
import ssl
import subprocess
import threading
from contextlib import closing, contextmanager, nullcontext

import pytest

from portal import outgoing
from portal.outgoing import Undelivered, post


@contextmanager
def listener(serve):
    """The address of a server that does with each connection what it is given."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def accept():
            try:
                while True:
                    connection, _ = server.accept()
                    with connection:
                        serve(connection)
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def read_request(connection):
    """Reads to the end of the body `{}`: closing before that would reset the connection."""
    request = b""
    while not request.endswith(b"{}") and (piece := connection.recv(65536)):
        request += piece


def test_a_target_that_is_away_is_told_as_such():
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    with pytest.raises(Undelivered, match=r"127\.0\.0\.1: Connection refused"):
        post(f"http://127.0.0.1:{port}/", {}, b"{}")


def test_a_host_that_cannot_be_one_is_a_failure():
    with pytest.raises(Undelivered, match="UnicodeError"):
        post(f"http://{'a' * 64}.example/", {}, b"{}")


def test_a_name_server_that_does_not_answer_is_given_up_at_the_deadline(monkeypatch):
    monkeypatch.setattr(outgoing, "DEADLINE", 0.1)
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: done.wait())
    with pytest.raises(Undelivered, match="no answer in time"):
        post("http://collector.example/", {}, b"{}")
    done.set()


@pytest.mark.parametrize(("refusing", "delivered"), [(0, True), (2, True), (3, False)])
def test_three_addresses_of_a_host_are_tried(monkeypatch, refusing, delivered):
    def answer(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    def resolve(_host, port, **_):
        found = [*(f"127.0.0.{number + 2}" for number in range(refusing)), "127.0.0.1"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port)) for address in found]

    with listener(answer) as address:
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        target = f"http://collector.example:{address.rpartition(':')[2]}/"
        with nullcontext() if delivered else pytest.raises(Undelivered, match="Connection refused"):
            post(target, {}, b"{}")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_target_that_says_nothing_is_given_up(monkeypatch, scheme):
    monkeypatch.setattr(outgoing, "PATIENCE", 0.2)
    done = threading.Event()
    with listener(lambda connection: done.wait()) as address:
        with pytest.raises(Undelivered, match="no answer in time"):
            post(f"{scheme}://{address}/", {}, b"{}")
        done.set()


def test_a_target_that_drips_its_answer_is_cut_off_at_the_deadline(monkeypatch):
    monkeypatch.setattr(outgoing, "DEADLINE", 0.3)
    stopped = threading.Event()

    def drip(connection):
        while not stopped.wait(0.02):
            connection.sendall(b"H")

    with listener(drip) as address:
        with pytest.raises(Undelivered):
            post(f"http://{address}/", {}, b"{}")
        stopped.set()


def test_an_endless_body_is_not_read():
    def pour(connection):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n" + b"x" * 10_000)

    with listener(pour) as address:
        assert post(f"http://{address}/", {}, b"{}") == 200


def test_what_is_no_http_is_a_failure():
    def babble(connection):
        read_request(connection)
        connection.sendall(b"hello\r\n\r\n")

    with listener(babble) as address, pytest.raises(Undelivered, match="BadStatusLine"):
        post(f"http://{address}/", {}, b"{}")


def test_certificates_are_verified_unless_the_target_says_otherwise(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=nobody -keyout"
    subprocess.run([*command.split(), key, "-out", certificate], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    def answer(connection):
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                read_request(secure)
                secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        except ssl.SSLError:
            return

    with listener(answer) as address:
        with pytest.raises(Undelivered, match="its certificate is not trusted"):
            post(f"https://{address}/", {}, b"{}")
        assert post(f"https://{address}/", {}, b"{}", verify=False) == 204
