"""From a traceback to the frames of a continuation.

Layer: machine. Imports machine.code and machine.state.
Invariant: between two compiled frames there is no other Python frame; entries behind the last compiled one are inside
a primitive. A call in tail position contributes no frame.

The traceback is read once, from the outermost frame inwards: code object and `tb_lasti` give the site, `f_locals` the live
variables. No handler ran on the way, so a procedure pays nothing for being capturable.
"""

from __future__ import annotations

from types import FrameType
from typing import Any

from msgspec import Struct

from perdure.machine.code import (
    AFTER,
    CALL,
    CODES,
    OTHER,
    PROLOGUE,
    REDO,
    CodeInfo,
    CodeProvider,
    Site,
    taker,
)
from perdure.machine.state import Frame

Entry = tuple[FrameType, int, CodeInfo]


class Captured(Struct):
    """What a traceback said.

    `stack` are the frames, innermost first, on top of the given ones; `entries` how many compiled frames there were;
    `kind` what the innermost site does; `careful` that it runs in careful form; `behind` that Python frames of a
    primitive lie behind it; `line` is the innermost site.
    """

    stack: Any
    entries: int
    kind: int
    careful: bool
    behind: bool
    line: int = 0


def compiled_entries(error: BaseException) -> tuple[list[Entry], bool]:
    """Return the compiled frames of a traceback, outermost first, and whether a primitive's lie behind them."""
    found: list[Entry] = []
    behind = False
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        info = CODES.get(id(frame.f_code))
        if info is None:
            behind = bool(found)
        elif not info.factory:
            assert not behind, "a primitive called a procedure of the program"
            found.append((frame, trace.tb_lasti, info))
        trace = trace.tb_next
    return found, behind


def failed_frame(error: BaseException, stack: Any, provider: CodeProvider) -> Frame:
    """Return a frame at the very statement that failed in careful form, for reports; what it returns to is `stack`.

    `capture` gives the one from which the statement is redone: what the fast form computes as one expression is redone as a whole,
    so that it reads its variables again, of which a restart may have changed one.
    """
    entries, _ = compiled_entries(error)
    frame, instruction, info = entries[-1]
    here = provider.site(info.definition, info.site_at(instruction), REDO)
    return Frame(here, here.take(frame.f_locals), stack)


def asked(signal: BaseException, stack: Any, provider: CodeProvider) -> tuple[Any, ...] | None:
    """Return what it takes to do a statement again that some call in it left, beside the frame behind that statement.

    That frame has the variables that are needed behind the statement; these are the others that the statement reads, in order. None if
    there is no other. A tail call leaves no frame, so all that is needed is a frame of its own.

    Args:
      signal: what the call raised; its traceback is read and not changed.
      stack: what `capture_after` returned.
      provider: for the sites.
    """
    found: tuple[FrameType, int, CodeInfo] | None = None
    trace = signal.__traceback__
    while trace is not None:
        info = CODES.get(id(trace.tb_frame.f_code))
        if info is not None and not info.factory:
            found = trace.tb_frame, trace.tb_lasti, info
        trace = trace.tb_next
    if found is None:
        return ()  # the machine called the function itself
    frame, called_at, info = found
    try:
        take, site = info.asks[called_at]
    except KeyError:
        take, site = info.asks[called_at] = _asking(info, called_at, provider)
    if site is not None:
        return (Frame(site, take(frame.f_locals), stack),)
    return take(frame.f_locals) or None


def _asking(info: CodeInfo, called_at: int, provider: CodeProvider) -> tuple[Any, Site | None]:
    """Return what takes those values from a Python frame, and the site if the call was in tail position."""
    line = info.site_at(called_at)
    again = provider.site(info.definition, info.redo.get(line, line), REDO)
    if info.kinds.get(line, OTHER) != CALL:
        return again.take, again
    behind = provider.site(info.definition, line, AFTER)
    return taker(tuple([name for name in again.names if name not in behind.names])), None


def asking_frame(stack: Any, kept: tuple[Any, ...] | None, provider: CodeProvider) -> Frame | None:
    """Return the frame that does a statement again, from what `asked` kept of it; None if that is not enough."""
    if kept and type(kept[0]) is Frame:
        frame: Frame = kept[0]
        return frame
    if not isinstance(stack, Frame):
        return None
    behind = stack.site
    again = provider.redo_site(behind.definition, behind.number)
    known = dict(zip(behind.names, stack.values, strict=True))
    missing = [name for name in again.names if name not in known]
    if len(missing) != len(kept or ()):
        return None  # of a release that kept nothing
    known.update(zip(missing, kept or (), strict=True))
    return Frame(again, tuple([known[name] for name in again.names]), stack.next)


def capture(error: BaseException, stack: Any, mode: int, provider: CodeProvider) -> Captured:
    """Return the continuation that an exception unwound.

    Args:
      error: the exception; its traceback is read and not changed.
      stack: the frames below, already in the heap.
      mode: AFTER or REDO for the innermost frame.
      provider: for the sites.
    """
    entries, behind = compiled_entries(error)
    if mode == REDO:
        # What a procedure does before its body is redone by its caller: its arguments are not yet in their places.
        while entries and entries[-1][2].site_at(entries[-1][1]) == PROLOGUE:
            entries.pop()
    if not entries:
        return Captured(stack, 0, OTHER, False, behind)
    innermost, instruction, info = entries.pop()
    for frame, called_at, outer in entries:
        try:
            site = outer.returns[called_at]
        except KeyError:
            site = _return_site(outer, called_at, provider)
        if site is not None:
            stack = Frame(site, site.take(frame.f_locals) if site.names else (), stack)
    line = info.site_at(instruction)
    kind = info.kinds.get(line, OTHER)
    if mode == REDO:
        here = provider.site(info.definition, info.redo.get(line, line), REDO)
    elif kind == CALL or (info.careful and provider.takes_value(info.definition, line)):
        here = provider.site(info.definition, line, AFTER)
    else:
        return Captured(stack, len(entries) + 1, kind, info.careful, behind, line)
    stack = Frame(here, here.take(innermost.f_locals), stack)
    return Captured(stack, len(entries) + 1, kind, info.careful, behind, line)


def capture_after(signal: BaseException, stack: Any, provider: CodeProvider) -> Any:
    """Return the stack of `capture` for a signal that some call raised, and behind which the program is to go on.

    One walk is enough here, since the innermost frame is like all others; continuations are made of these.
    """
    compiled = behind = False
    trace = signal.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        info = CODES.get(id(frame.f_code))
        if info is None:
            behind = compiled
        elif not info.factory:
            assert not behind, "a primitive called a procedure of the program"
            compiled = True
            try:
                site = info.returns[trace.tb_lasti]
            except KeyError:
                site = _return_site(info, trace.tb_lasti, provider)
            if site is not None:
                stack = Frame(site, site.take(frame.f_locals) if site.names else (), stack)
        trace = trace.tb_next
    return stack


def _return_site(info: CodeInfo, called_at: int, provider: CodeProvider) -> Site | None:
    """Return where a call of compiled code returns to, None for a tail call; remembered in `info`."""
    line = info.site_at(called_at)
    kind = info.kinds.get(line, OTHER)
    assert kind != OTHER, f"not a call: site {line} of {info.definition}"
    site = provider.site(info.definition, line, AFTER) if kind == CALL else None
    info.returns[called_at] = site
    return site
