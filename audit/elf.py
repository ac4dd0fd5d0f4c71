"""What an ELF file is made for. pyelftools reads it, imported when a binary must be understood."""

from __future__ import annotations

from audit.model import Unknown
from audit.source import Answer

# A real program has a dozen segments and a hundred tags; a hostile one has millions.
MOST_SEGMENTS, MOST_TAGS = 64, 500


def describe(data: bytes) -> Answer:
    """Class, machine, type, interpreter and needed libraries of an ELF file; None when it is none.

    Raises Unknown without pyelftools.
    """
    import io
    from itertools import islice

    try:
        from elftools.common.exceptions import ELFError
        from elftools.elf.dynamic import DynamicSegment
        from elftools.elf.elffile import ELFFile
        from elftools.elf.segments import InterpSegment
    except ImportError:
        raise Unknown("the Python library pyelftools is not installed") from None
    if not data.startswith(b"\x7fELF"):
        return None
    interpreter: str | None = None
    needed: list[Answer] = []
    try:
        elf = ELFFile(io.BytesIO(data))
        for segment in islice(elf.iter_segments(), MOST_SEGMENTS):
            if isinstance(segment, InterpSegment):
                interpreter = str(segment.get_interp_name())
            elif isinstance(segment, DynamicSegment):
                needed = [
                    str(getattr(tag, "needed", ""))
                    for tag in islice(segment.iter_tags(), MOST_TAGS)
                    if tag.entry.d_tag == "DT_NEEDED"
                ]
        return {
            "class": int(elf.elfclass),
            "machine": str(elf["e_machine"]),
            "type": str(elf["e_type"]),
            "interpreter": interpreter,
            "needed": needed,
        }
    except (ELFError, ValueError, KeyError, OverflowError, UnicodeError, AssertionError):
        return None
