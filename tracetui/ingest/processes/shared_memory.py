"""Transfer of columns between processes through shared memory, without a copy on arrival."""

from __future__ import annotations

import mmap
import os
import pickle
import socket
import struct
import tempfile

_LENGTH = struct.Struct("<Q")
_ALIGNED = 64


def shared_memory() -> int:
    """Create empty memory that a child process can inherit. -> its file descriptor; the caller closes it"""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("tracetui", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def to_shared_memory(value: object, memory: int) -> bytes:
    """Copy a value's columns into the memory. -> the first argument of `from_shared_memory`"""
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    positions = []
    end = 0
    for buffer in buffers:
        size = buffer.raw().nbytes
        positions.append((end, size))
        end += size + -size % _ALIGNED
    if end:
        os.ftruncate(memory, end)
        with mmap.mmap(memory, end) as shared:
            for (at, size), buffer in zip(positions, buffers, strict=True):
                shared[at : at + size] = buffer.raw()
    answer = pickle.dumps((positions, pickled), protocol=5)
    return _LENGTH.pack(len(answer)) + answer


def from_shared_memory(answer: bytes, memory: int) -> object:
    """Rebuild a value with its columns in the memory; None if `answer` is incomplete.

    Only for data of this program's processes: unpickling can run any code.
    """
    if len(answer) < _LENGTH.size or len(answer) != _LENGTH.size + _LENGTH.unpack_from(answer)[0]:
        return None
    positions, pickled = pickle.loads(memoryview(answer)[_LENGTH.size :])
    size = os.fstat(memory).st_size
    whole = memoryview(mmap.mmap(memory, size, access=mmap.ACCESS_READ)) if size else memoryview(b"")
    return pickle.loads(pickled, buffers=[whole[at : at + length] for at, length in positions])


def send(value: object, to: socket.socket) -> None:
    """Send a value to the process at the other end of a Unix socket pair."""
    memory, rest = shared_memory(), shared_memory()
    try:
        with os.fdopen(os.dup(rest), "wb") as stream:
            stream.write(to_shared_memory(value, memory))
        socket.send_fds(to, [b"+"], [memory, rest])
    finally:
        os.close(memory)
        os.close(rest)


def receive(at: socket.socket) -> object:
    """Wait for the next value; None if there is none or it is incomplete."""
    message, descriptors, _, _ = socket.recv_fds(at, 1, 2)
    try:
        if not message or len(descriptors) != 2:
            return None
        memory, rest = descriptors
        with os.fdopen(os.dup(rest), "rb") as stream:
            stream.seek(0)
            return from_shared_memory(stream.read(), memory)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
