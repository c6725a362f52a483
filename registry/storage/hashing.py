"""A running SHA-256 or SHA-512 that can be saved between two requests and carried on by another process.

hashlib cannot save its state. OpenSSL's own low-level context can be: it is a plain struct of fixed-size integers, so its
bytes are the state. Where that interface is missing the class computes with hashlib, saves nothing, and the caller
reads the stored bytes again.
"""

import _hashlib
import ctypes
import hashlib
import platform
import sys
from typing import Any, Self


class CannotRestore(Exception):
    """The saved state is of another machine type or none at all: hash the stored bytes again instead."""


class _Sha256Context(ctypes.Structure):
    """SHA256_CTX of <openssl/sha.h>: chaining value, bit count, pending block, its fill, digest length."""

    _fields_ = [
        ("h", ctypes.c_uint32 * 8),
        ("bits", ctypes.c_uint32 * 2),
        ("block", ctypes.c_uint32 * 16),
        ("num", ctypes.c_uint32),
        ("length", ctypes.c_uint32),
    ]


class _Sha512Context(ctypes.Structure):
    """SHA512_CTX, the same with twice the width."""

    _fields_ = [
        ("h", ctypes.c_uint64 * 8),
        ("bits", ctypes.c_uint64 * 2),
        ("block", ctypes.c_uint64 * 16),
        ("num", ctypes.c_uint32),
        ("length", ctypes.c_uint32),
    ]


_Context = _Sha256Context | _Sha512Context


class _OpenSSL:
    """One algorithm of the C library. ctypes lets go of the GIL during each call, as hashlib does."""

    def __init__(self, library: ctypes.CDLL, context: type[_Context], algorithm: str) -> None:
        prefix = algorithm.upper()
        self.context = context
        self.length = hashlib.new(algorithm).digest_size
        self.init = library[f"{prefix}_Init"]
        self.update = library[f"{prefix}_Update"]
        self.final = library[f"{prefix}_Final"]
        pointer = ctypes.POINTER(context)
        self.init.argtypes = [pointer]
        self.update.argtypes = [pointer, ctypes.c_char_p, ctypes.c_size_t]
        self.final.argtypes = [ctypes.c_char_p, pointer]
        self.tag = f"1 {algorithm} {platform.machine()} {sys.byteorder} {ctypes.sizeof(context)}\n".encode()


class RunningDigest:
    """The digest of the bytes given so far. One thread at a time may use it."""

    __slots__ = ("_context", "_hash", "_native", "_pointer", "algorithm")

    def __init__(self, algorithm: str) -> None:
        """`algorithm` is "sha256" or "sha512"; anything else raises ValueError."""
        if algorithm not in _CONTEXTS:
            raise ValueError(f"{algorithm!r} is not a digest algorithm of the registry")
        self.algorithm = algorithm
        self._native = _NATIVE.get(algorithm)
        if self._native:
            self._context = self._native.context()
            self._pointer = ctypes.byref(self._context)
            self._native.init(self._pointer)
        else:
            self._hash: Any = hashlib.new(algorithm)

    def update(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        if self._native:
            plain = data if isinstance(data, bytes) else bytes(data)
            self._native.update(self._pointer, plain, len(plain))
        else:
            self._hash.update(data)

    def hexdigest(self) -> str:
        """The digest so far, in lower-case hexadecimal; more may be appended afterwards."""
        if not self._native:
            return str(self._hash.hexdigest())
        copy = self._native.context.from_buffer_copy(self._context)
        result = ctypes.create_string_buffer(self._native.length)
        self._native.final(result, ctypes.byref(copy))
        return result.raw.hex()

    def digest(self) -> str:
        """The digest so far as the registry writes it, `sha256:<hex>`."""
        return f"{self.algorithm}:{self.hexdigest()}"

    def save(self) -> bytes:
        """The state for `restore`, about 140 or 240 bytes; empty where states cannot be saved."""
        return self._native.tag + bytes(self._context) if self._native else b""

    @classmethod
    def restore(cls, algorithm: str, state: bytes) -> Self:
        """Carry on from a saved state. Raises CannotRestore when this process cannot."""
        running = cls(algorithm)
        native = running._native
        if (
            not native
            or not state.startswith(native.tag)
            or len(state) != len(native.tag) + ctypes.sizeof(native.context)
        ):
            raise CannotRestore(f"no {algorithm} state that this process can carry on")
        running._context = native.context.from_buffer_copy(state, len(native.tag))
        running._pointer = ctypes.byref(running._context)
        # OpenSSL trusts these two as indices, so a damaged state must not reach it.
        if running._context.num >= ctypes.sizeof(running._context.block) or running._context.length != native.length:
            raise CannotRestore(f"the saved {algorithm} state is damaged")
        return running


_CONTEXTS: dict[str, type[_Context]] = {"sha256": _Sha256Context, "sha512": _Sha512Context}
_NATIVE: dict[str, _OpenSSL] = {}


def _carries_on(algorithm: str) -> bool:
    """Whether a saved and restored digest equals hashlib's, with a block left half full and one crossed."""
    first, second = bytes(range(200)), bytes(range(100, 255))
    running = RunningDigest(algorithm)
    running.update(first)
    restored = RunningDigest.restore(algorithm, running.save())
    restored.update(second)
    return restored.hexdigest() == hashlib.new(algorithm, first + second).hexdigest()


def _load() -> None:
    """Find OpenSSL where hashlib found it, else by its usual name, and keep what passes the self test."""
    for name in (getattr(_hashlib, "__file__", None), "libcrypto.so.3"):
        try:
            library = ctypes.CDLL(name) if name else None
            found = (
                {algorithm: _OpenSSL(library, context, algorithm) for algorithm, context in _CONTEXTS.items()}
                if library
                else {}
            )
        except (OSError, AttributeError):
            continue
        _NATIVE.update(found)
        if found and all(_carries_on(algorithm) for algorithm in found):
            return
        _NATIVE.clear()


_load()
