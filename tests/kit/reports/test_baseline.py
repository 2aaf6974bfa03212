"""What a run writes into a baseline."""

from __future__ import annotations

from pathlib import Path

from tests.kit.baselines import CARRIED, LOGIN_AGAIN, entry, load, replaced, result

from signalproof.reports import baseline as baseline_report
from signalproof.run import baseline_file


def test_a_written_baseline_keeps_what_stands_and_drops_what_is_stale(tmp_path: Path) -> None:
    """Reasons and comments stay; new entries follow, by check where the file has entries by check."""
    head = "# ours\n\n"
    mended = f"# not true any more\n{entry('OFFER-1')}\n"
    kept = f"# a comment\n{entry('OFFER-3', check=CARRIED)}"
    baseline = load(tmp_path, head + mended + kept)
    results = [
        result(f"{CARRIED}[json]", "OFFER-1", "OFFER-3", broken=("OFFER-3",)),
        result("b", broken=("OFFER-3", "HTTP-12")),
        result("c", broken=("HTTP-14",)),
    ]
    assessment = baseline.assess(results, selected=[f"{CARRIED}[json]", "b", "c"], whole=True)
    said = baseline_report.write(baseline.path, assessment, results)
    assert said.startswith("baseline: 3 new, 1 removed, written to ")
    text = baseline.path.read_text(encoding="utf-8")
    assert text.startswith(head + kept)
    assert "not true any more" not in text
    assert "received that·and·more" in text
    # `b` is no check of the suite, which a real run does not come across.
    written = baseline_file.read(replaced(baseline.path, '"b"', f'"{LOGIN_AGAIN}"')).entries
    assert [(e.requirement, e.check, e.listed_as.value, e.unexplained) for e in written] == [
        ("OFFER-3", CARRIED, "fail", False),
        ("HTTP-12", "", "fail", True),
        ("HTTP-14", "", "warn", True),
        ("OFFER-3", LOGIN_AGAIN, "fail", True),
    ]
