"""The two reports of a bundle: one page of HTML to look at, and Markdown for an issue tracker."""

from typing import TYPE_CHECKING

from wftui.bundle import report_facts, report_html, report_md
from wftui.bundle.format import Facts, Manifest
from wftui.model.why import Answer
from wftui.store.archive import Archive

if TYPE_CHECKING:
    from wftui.bundle.privacy import Redactor


def both(
    archive: Archive,
    manifest: Manifest,
    redactor: "Redactor",
    facts: Facts | None = None,
    answer: Answer | None = None,
) -> tuple[bytes, bytes]:
    """``report.html`` and ``report.md``, from one reading; the arguments are those of ``report_facts.gather``.

    Raises:
        StoreError: The recording cannot be read, or it is too much.
    """
    found = report_facts.gather(archive, manifest, redactor, facts, answer)
    return report_html.page(found), report_md.document(found)
