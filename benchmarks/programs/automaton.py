"""What calls each other in tail position in Scheme; Python has a loop and a variable for the state, or calls by hand."""


def ends_in(text):
    n = len(text)
    state = "start"
    i = 0
    while True:
        if state == "start":
            if i == n or text[i] != "c":
                return False
            state = "more"
            i += 1
        elif state == "more":
            if i == n:
                return False
            c = text[i]
            if c in {"a", "d"}:
                i += 1
            elif c == "r":
                state = "end"
                i += 1
            else:
                return False
        elif i == n:
            return True
        else:
            state = "more"


def automaton(times):
    found = 0
    while times != 0:
        if ends_in("cadaddadaddaddadar"):
            found += 1
        times -= 1
    return found


def is_even(n):
    return (True, None) if n == 0 else (None, (is_odd, n - 1))


def is_odd(n):
    return (False, None) if n == 0 else (None, (is_even, n - 1))


def even_odd(n):
    """Return 1 for an even number: the functions return what to call next, so that the stack does not grow."""
    found, following = is_even(n)
    while following is not None:
        function, argument = following
        found, following = function(argument)
    return 1 if found else 0
