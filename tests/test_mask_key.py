"""new_mask_key: fresh keys, from the operating system, never the same ones after a fork."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

# More keys than a pool holds, and few enough that two processes draw them from the same pool where
# that is shared. By chance alone one key comes twice once in 10**4 runs, so one is let pass.
MANY = 5000
FEW = 100

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
# pytest may run this beside other threads, of which the children here use nothing.
may_have_threads = pytest.mark.filterwarnings("ignore:.*multi-?threaded:DeprecationWarning")


def pooled(keys: list[bytes]) -> int:
    """Count the keys that came more than once."""
    return len(keys) - len(set(keys))


def some_keys(codec: ModuleType) -> list[bytes]:
    return [codec.new_mask_key() for _ in range(FEW)]


def in_child(call: Callable[[], list[bytes]]) -> list[bytes]:
    """Give the keys that a call draws in a forked child."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, b"".join(call()))
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    keys = [data[i : i + 4] for i in range(0, len(data), 4)]
    assert len(keys) >= FEW
    return keys


def test_a_key_is_four_bytes(codec: ModuleType) -> None:
    key = codec.new_mask_key()
    assert type(key) is bytes
    assert len(key) == 4


def test_keys_are_fresh(codec: ModuleType) -> None:
    keys = [codec.new_mask_key() for _ in range(MANY)]
    assert pooled(keys) <= 2
    # Each of the four bytes takes nearly every value.
    for place in range(4):
        assert len({key[place] for key in keys}) > 250


def test_keys_are_the_systems_own_and_drawn_in_batches(
    codec: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[bytes] = []
    urandom = os.urandom

    def counted(size: int) -> bytes:
        drawn.append(urandom(size))
        return drawn[-1]

    monkeypatch.setattr(os, "urandom", counted)
    keys = [codec.new_mask_key() for _ in range(MANY)]
    assert 1 <= len(drawn) <= MANY // 10
    # Once the older batch is used up, each key is one of the four bytes drawn, and each used once.
    of_system = {batch[i : i + 4] for batch in drawn for i in range(0, len(batch), 4)}
    first = next(i for i, key in enumerate(keys) if key in of_system)
    assert first <= MANY // 2
    assert of_system.issuperset(keys[first:])


def test_a_failing_generator_is_reported(
    codec: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(size: int) -> bytes:
        raise OSError("no entropy")

    with monkeypatch.context() as patched:
        patched.setattr(os, "urandom", failing)
        with pytest.raises(OSError, match="^no entropy$"):
            for _ in range(MANY):
                codec.new_mask_key()
    assert pooled(some_keys(codec)) == 0


def test_s26_threads_draw_different_keys(codec: ModuleType) -> None:
    drawn: list[list[bytes]] = []
    barrier = threading.Barrier(8)

    def draw() -> None:
        barrier.wait()
        drawn.append([codec.new_mask_key() for _ in range(MANY // 8)])

    threads = [threading.Thread(target=draw) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = [key for keys in drawn for key in keys]
    assert len(keys) == MANY // 8 * 8
    assert pooled(keys) <= 2


@needs_fork
@may_have_threads
def test_s26_a_fork_repeats_no_keys(codec: ModuleType) -> None:
    before = some_keys(codec)
    children = [in_child(lambda: some_keys(codec)) for _ in range(2)]
    after = some_keys(codec)
    keys = [*before, *children[0], *children[1], *after]
    assert pooled(keys) <= 1


@needs_fork
@may_have_threads
def test_s26_a_fork_of_a_fork_repeats_no_keys(codec: ModuleType) -> None:
    before = some_keys(codec)

    def draw() -> list[bytes]:
        return [*some_keys(codec), *in_child(lambda: some_keys(codec)), *some_keys(codec)]

    assert pooled([*before, *in_child(draw), *some_keys(codec)]) <= 1


@needs_fork
@may_have_threads
def test_s26_a_fork_repeats_no_keys_of_frames(codec: ModuleType) -> None:
    def draw() -> list[bytes]:
        headers = [codec.encode_header(1, 5, mask=True) for _ in range(FEW)]
        frames = [codec.encode_frame(1, b"", mask=True) for _ in range(FEW)]
        return [made[2:6] for made in headers + frames]

    assert pooled([*draw(), *in_child(draw), *draw()]) <= 1


@needs_fork
@may_have_threads
def test_s26_a_fork_of_a_thread_repeats_no_keys(codec: ModuleType) -> None:
    keys: list[bytes] = some_keys(codec)

    def draw() -> None:
        keys.extend(some_keys(codec))
        keys.extend(in_child(lambda: some_keys(codec)))
        keys.extend(some_keys(codec))

    thread = threading.Thread(target=draw)
    thread.start()
    thread.join()
    assert len(keys) == 4 * FEW
    assert pooled(keys) <= 1


@needs_fork
@may_have_threads
def test_s26_many_children_share_no_keys(codec: ModuleType) -> None:
    """Of one parent, which draws between some of them: they start with the same pool."""
    keys = some_keys(codec)
    for number in range(24):
        keys.extend(in_child(lambda: some_keys(codec)))
        if number % 3 == 0:
            keys.extend(some_keys(codec))
    assert len(keys) == (1 + 24 + 8) * FEW
    assert pooled(keys) <= 1


@needs_fork
@may_have_threads
def test_s26_forks_of_threads_that_draw_meanwhile_repeat_no_keys(codec: ModuleType) -> None:
    """Whatever another thread was about when a child was made, the child can draw."""
    done = threading.Event()
    drawn: list[list[bytes]] = []

    def draw_on() -> None:
        keys: list[bytes] = []
        while not done.is_set() and len(keys) < MANY:
            keys.append(codec.new_mask_key())
        drawn.append(keys)

    def fork() -> None:
        drawn.extend(in_child(lambda: some_keys(codec)) for _ in range(4))

    drawing = [threading.Thread(target=draw_on) for _ in range(2)]
    forking = [threading.Thread(target=fork) for _ in range(3)]
    for thread in [*drawing, *forking]:
        thread.start()
    for thread in forking:
        thread.join()
    done.set()
    for thread in drawing:
        thread.join()
    keys = [key for keys in drawn for key in keys]
    assert len(drawn) == 2 + 3 * 4
    assert pooled(keys) <= 2


def send_keys(codec: ModuleType, queue: Any) -> None:
    """Draw keys in a process of multiprocessing."""
    queue.put(some_keys(codec))


@may_have_threads
@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork"
)
def test_s26_multiprocessing_repeats_no_keys(codec: ModuleType) -> None:
    before = some_keys(codec)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    children = [context.Process(target=send_keys, args=(codec, queue)) for _ in range(2)]
    for child in children:
        child.start()
    keys = [*before, *queue.get(), *queue.get(), *some_keys(codec)]
    for child in children:
        child.join()
    assert len(keys) == 4 * FEW
    assert pooled(keys) <= 1
