"""Strings: appending one character at a time, a port, cutting and joining, and scanning."""

from benchmarks.programs.data import Pair, Port, Text


def append_strings(n):
    made = Text("")
    for _ in range(n):
        made = Text(made.text + "x")
    return len(made.text)


def write_text(text, port):
    port.pieces.append(text.text)


def port_strings(n):
    port = Port()
    i = 0
    while i < n:
        write_text(Text(str(i)), port)
        i += 1
    return len(Text("".join(port.pieces)).text)


def grow(text, limit):
    steps = 0
    while len(text.text) <= limit:
        text = Text("123" + text.text + "456" + text.text + "789")
        steps += 1
    middle = len(text.text) // 2
    return Pair(Text(text.text[middle - 1 : middle + 1]), steps)


def string_growth(times, limit):
    text = Text("abcdef")
    steps = 0
    while times != 0:
        grown = grow(text, limit)
        text = Text(grown.car.text + "-")
        steps += grown.cdr
        times -= 1
    return [text.text, steps]


def string_scan(times):
    text = Text("The quick brown fox, 42 of 'em, jumps over 7 lazy dogs.")
    n = len(text.text)
    letters = digits = others = 0
    while times != 0:
        i = 0
        while i != n:
            c = text.text[i]
            if c.isalpha():
                letters += 1
            elif "0" <= c <= "9":
                digits += 1
            else:
                others += 1
            i += 1
        times -= 1
    return [letters, digits, others]
