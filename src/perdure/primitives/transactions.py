"""Transactions: what lib/transaction.sld is built on.

Layer: primitives. Imports machine and values.
Invariant: what enters, ends or undoes a transaction is isolated, so it is never done twice.
"""

from __future__ import annotations

from typing import Any

from perdure.machine import groups, transactions, undo
from perdure.machine.machine import AGAIN, Machine
from perdure.machine.registers import REGISTERS
from perdure.machine.signals import Isolated
from perdure.machine.state import Dynamic
from perdure.machine.undo import CLOSED, Transaction
from perdure.primitives.registry import primitive
from perdure.values import policies
from perdure.values.conditions import fail, wrong_type
from perdure.values.lists import from_items
from perdure.values.types import NIL, TRUE, UNSPECIFIED


@primitive("%set-state!")
def set_state(winders: Any, handlers: Any, parameters: Any) -> Any:
    """Set all parts of the dynamic state in one step, so that nothing happens in between."""
    REGISTERS.dynamic = Dynamic(winders, handlers, parameters)
    return UNSPECIFIED


@primitive("%dynamic-winders")
def dynamic_winders(state: Any) -> Any:
    return state.winders


@primitive("%dynamic-parameters")
def dynamic_parameters(state: Any) -> Any:
    return state.parameters


# -- transactions ------------------------------------------------------------------------------


@primitive("%make-transaction")
def make_transaction(leave: Any) -> Any:
    raise Isolated(transactions.make, leave)


def _enter(machine: Machine, transaction: Transaction) -> Any:
    machine.go_on(None, UNSPECIFIED)
    transactions.enter(machine, transaction)
    return AGAIN


@primitive("%enter-transaction!")
def enter_transaction(transaction: Any) -> Any:
    raise Isolated(_enter, transaction)


@primitive("%transaction?")
def is_transaction(obj: Any) -> Any:
    return TRUE if type(obj) is Transaction else None


@primitive("%transaction-over?")
def is_over(transaction: Any) -> Any:
    return TRUE if transaction.status == CLOSED else None


@primitive("%transaction-here")
def transaction_here(procedure: Any) -> Any:
    """Return the transaction that the task is in, for a procedure that needs one."""
    return transactions.required(REGISTERS.machine, procedure.name)


@primitive("in-transaction?")
def in_transaction() -> Any:
    """Return whether the task is in a transaction."""
    return TRUE if undo.current(REGISTERS.machine) is not None else None


@primitive("%transaction-leave")
def transaction_leave(transaction: Any, procedure: Any) -> Any:
    """Return the continuation of a transaction's end, if it is the running task's own."""
    if transaction.task != REGISTERS.machine.task.number:
        message = f"{procedure.name}: only task {transaction.task} can leave its transaction"
        raise fail("error", message)
    return transaction.leave


@primitive("%transaction-children")
def transaction_children(transaction: Any) -> Any:
    """Return the tasks that were started inside and are not over."""
    return from_items(transactions.children(transaction))


@primitive("%commit-transaction!")
def commit_transaction(transaction: Any) -> Any:
    raise Isolated(transactions.commit, transaction)


@primitive("%roll-back!")
def roll_back(transaction: Any) -> Any:
    raise Isolated(transactions.roll_back, transaction)


@primitive("%close-transaction!")
def close_transaction(transaction: Any) -> Any:
    raise Isolated(transactions.close, transaction)


def _settle(machine: Machine) -> Any:
    guard = machine.log.guard
    if guard is not None:
        guard.settle()
    return UNSPECIFIED


@primitive("%settle-writes!")
def settle_writes() -> Any:
    """Let the next write to each object be seen: the task is in another transaction now."""
    raise Isolated(_settle)


# -- compensations -----------------------------------------------------------------------------


def _compensate(_machine: Machine, transaction: Transaction, thunk: Any) -> Any:
    transactions.compensate(transaction, thunk)
    return UNSPECIFIED


@primitive("%add-compensation!")
def add_compensation(transaction: Any, thunk: Any) -> Any:
    if not callable(thunk):
        raise wrong_type("on-rollback", "a procedure", thunk)
    raise Isolated(_compensate, transaction, thunk)


def _drop(_machine: Machine, transaction: Transaction, thunk: Any) -> Any:
    transactions.drop_compensation(transaction, thunk)
    return UNSPECIFIED


@primitive("%drop-compensation!")
def drop_compensation(transaction: Any, thunk: Any) -> Any:
    raise Isolated(_drop, transaction, thunk)


def _next(_machine: Machine, transaction: Transaction) -> Any:
    return transactions.next_compensation(transaction)


@primitive("%next-compensation!")
def next_compensation(transaction: Any) -> Any:
    """Take the newest compensation away and return it, or #f."""
    raise Isolated(_next, transaction)


# -- groups of effects that are retried together ------------------------------------------------


def _make_group(machine: Machine, leave: Any, earlier: Any) -> Any:
    made = transactions.make(machine, leave)
    made.group = groups.Group(NIL, earlier)
    return made


@primitive("%make-group")
def make_group(leave: Any, earlier: Any) -> Any:
    """Return the transaction of an attempt; `earlier` is what attempts before did and it has to repeat."""
    raise Isolated(_make_group, leave, earlier)


@primitive("%policy-takes?")
def policy_takes(policy: Any, raised: Any) -> Any:
    """Return whether a checked policy is about what was raised, however often it was tried."""
    return TRUE if policies.takes(policies.from_heap("retrying", policy), raised) else None


@primitive("%group-refusal")
def group_refusal(transaction: Any) -> Any:
    """Return the condition that says why a group can't be retried, or #f."""
    raise Isolated(groups.refusal, transaction)


def _fail_group(machine: Machine, transaction: Transaction) -> Any:
    groups.fail(transaction)
    return UNSPECIFIED


@primitive("%group-again!")
def group_again(transaction: Any) -> Any:
    """Note that an attempt is followed by another."""
    raise Isolated(_fail_group, transaction)


@primitive("%group-earlier")
def group_earlier(transaction: Any) -> Any:
    """Return what the next attempt has to repeat, once this one was undone."""
    raise Isolated(groups.to_repeat, transaction)


@primitive("%group-unrepeated")
def group_unrepeated(transaction: Any) -> Any:
    """Return the condition that says what an attempt should have repeated, or #f."""
    return groups.not_repeated(transaction)


@primitive("%forget-earlier!")
def forget_earlier(procedure: Any) -> Any:
    """Leave what earlier attempts did with a function as it is."""
    raise Isolated(groups.forget_earlier, procedure)


@primitive("%group-record")
def group_record() -> Any:
    """Return what the group that the task is in has done so far."""
    raise Isolated(groups.record)


@primitive("%compensated-since!")
def compensated_since(before: Any) -> Any:
    """Note that what the task has done since `%group-record` was asked has a compensation."""
    raise Isolated(groups.compensate_since, before)
