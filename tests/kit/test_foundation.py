"""A check that proves nothing is a fault of the kit, whatever the target does: seen in a whole run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.kit.conftest import Kit, Served

Serve = Callable[[str], "Served"]

CHECKS = """
import pytest

requirement = pytest.mark.requirement


@requirement("OFFER-1")
async def test_that_looks_at_nothing(cast):
    await cast.enter("man", "woman")


@requirement("OFFER-1")
async def test_that_takes_yes_for_an_answer(cast):
    man, woman = await cast.enter("man", "woman")
    await man.offer(woman)


@requirement("OFFER-6")
async def test_of_a_refusal_alone(cast):
    man, = await cast.enter("man")
    cast.refused(await man.try_offer("nobody"), "OFFER-6")


@requirement("OFFER-6")
async def test_of_a_refusal_with_the_control_of_another_endpoint(cast):
    man, woman = await cast.enter("man", "woman")
    await cast.exchange(man, woman)
    cast.refused(await man.try_candidate([woman], login="nobody"), "ICE-3")


@requirement("OFFER-6")
async def test_of_a_refusal_that_the_kit_has_earned(cast):
    man, woman = await cast.enter("man", "woman")
    await cast.exchange(man, woman)
    cast.refused(await man.try_offer(woman, fields={"type": "Sender"}), "OFFER-6")


@requirement("OFFER-6")
async def test_of_a_refusal_with_its_control(cast):
    man, woman = await cast.enter("man", "woman")
    cast.refused(await man.try_offer("nobody"), "OFFER-6")
    await woman.hears(await man.offer(woman))
"""


def test_a_check_without_evidence_or_control_cannot_pass(kit: Kit, serve: Serve) -> None:
    """Five ways to prove nothing are errors of the kit, and the sixth check passes beside them."""
    (kit.folder / "test_planted.py").write_text(CHECKS, encoding="utf-8")
    run = kit.pytest("test_planted.py", f"--target={serve('Assembly').url}", "--report", "out")
    outcomes = {row["check"].rpartition("::")[2]: (row["outcome"], row["message"]) for row in run.rows("")}
    silent = "this check received no event that it caused, so it cannot pass"
    assert outcomes == {
        "test_that_looks_at_nothing": ("error", silent),
        "test_that_takes_yes_for_an_answer": ("error", silent),
        "test_of_a_refusal_alone": ("error", silent),
        "test_of_a_refusal_with_the_control_of_another_endpoint": (
            "error",
            "this check expects refusals without a control: candidate",
        ),
        "test_of_a_refusal_that_the_kit_has_earned": (
            "error",
            "the kit has sent a malformed message: /type: 'sender' was expected (schemas/v1/SenderOfferRequest.json)",
        ),
        "test_of_a_refusal_with_its_control": ("passed", ""),
    }, run.output
    assert run.code == 3, run.output


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ('@pytest.mark.requirement("OFFER-1", "OFFER-999")', "cites OFFER-999, which the specification does not have"),
        ("", "async def functions are not natively supported"),
    ],
    ids=["unknown", "none"],
)
def test_a_check_that_cites_nothing_is_none(kit: Kit, serve: Serve, mark: str, message: str) -> None:
    """It ends the run as a fault of the kit, or fails as any test that nobody runs."""
    source = f"import pytest\n\n\n{mark}\nasync def test_planted(cast):\n    await cast.enter('man')\n"
    (kit.folder / "test_planted.py").write_text(source, encoding="utf-8")
    run = kit.pytest("test_planted.py", f"--target={serve('Assembly').url}")
    assert message in run.output
    assert "Traceback" not in run.output
    assert run.code in {1, 3}, run.output
    assert "passed" not in run.output
