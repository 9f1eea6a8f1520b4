"""Transfer of values between processes through shared memory, without a copy of their columns on arrival."""

from __future__ import annotations

import mmap
import os
import pickle
import socket
import struct
import tempfile

_LENGTH = struct.Struct("<Q")
_ALIGNED = 64


def send(value: object, to: socket.socket) -> None:
    """Send a value to the process at the other end of a Unix socket pair.

    The memory holds the buffers of the columns, an index with the rest of the value, and the length of the index.
    """
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    positions, end = [], 0
    for buffer in buffers:
        size = buffer.raw().nbytes
        positions.append((end, size))
        end += size + -size % _ALIGNED
    index = pickle.dumps((positions, pickled), protocol=5)
    memory = _empty_memory()
    try:
        size = end + len(index) + _LENGTH.size
        os.ftruncate(memory, size)
        with mmap.mmap(memory, size) as shared:
            for (at, length), buffer in zip(positions, buffers, strict=True):
                shared[at : at + length] = buffer.raw()
            shared[end:] = index + _LENGTH.pack(len(index))
        socket.send_fds(to, [b"+"], [memory])
    finally:
        os.close(memory)


def receive(at: socket.socket) -> object:
    """Wait for the next value; None if the other process is gone.

    Only for data of this program's processes: unpickling can run any code.
    """
    message, descriptors, _, _ = socket.recv_fds(at, 1, 1)
    try:
        if not message or not descriptors:
            return None
        whole = memoryview(mmap.mmap(descriptors[0], 0, access=mmap.ACCESS_READ))
        end = len(whole) - _LENGTH.size
        begin = end - _LENGTH.unpack_from(whole, end)[0]
        positions, pickled = pickle.loads(whole[begin:end])
        return pickle.loads(pickled, buffers=[whole[first : first + length] for first, length in positions])
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _empty_memory() -> int:
    """Create memory that another process can receive. -> its file descriptor; the caller closes it"""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("tracetui", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
