"""The line on the terminal that tells how far a long command has come."""

from django.core.management.base import OutputWrapper


def show(stream: OutputWrapper, text: str = "") -> None:
    """Replaces the line, or takes it away before something that is to stay. Silent where nobody watches."""
    if stream.isatty():
        stream.write(f"\r\033[K{text}", style_func=str, ending="")
        stream.flush()
