"""What stored code of earlier releases calls things that are elsewhere in the library now.

Layer: toolchain. Imports nothing.
Invariant: a name that a release had is found for ever: its entry is never taken away, only pointed elsewhere.
"""

from __future__ import annotations

_FROM_0_1_0 = {
    ("%", "perdure.port"): "flush-output-port",
    (
        "%",
        "perdure.hash-table",
    ): """alist->hash-table hash-table-count hash-table-merge! hash-table-union!""",
    (
        "perdure.control",
        "perdure.port",
    ): """%port-of %typed char-ready? console-operation peek-char peek-u8
        read-bytevector read-bytevector! read-char read-line read-string read-u8 u8-ready?""",
    (
        "perdure.string",
        "perdure.port",
    ): """call-with-input-string call-with-output-string call-with-port
        with-input-from-string with-output-to-string""",
    ("perdure.control", "perdure.deadline"): "with-timeout",
    ("perdure.list", "%"): "%cars %cdrs",
    (
        "perdure.list",
        "perdure.lset",
    ): """%has? alist-cons alist-copy alist-delete del-assoc del-assq del-assv
        lset-adjoin lset-difference lset-intersection lset-union lset-xor lset<= lset=""",
    (
        "perdure.list",
        "perdure.sublist",
    ): """break circular-list? concatenate dotted-list? drop-right drop-while
        eighth flatten list= ninth not-pair? null-list? seventh sixth span split-at take-right take-while tenth
        unzip1 xcons zip""",
}

MOVED = {
    f"{old}:{name}": f"{new}:{name}"
    for (old, new), names in _FROM_0_1_0.items()
    for name in names.split()
}
"""Old native names and what they are called now."""
