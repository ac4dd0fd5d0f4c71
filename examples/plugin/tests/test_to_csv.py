import csv
import io

from acme_lxc.to_csv import render


def rows(*findings, verbose=False):
    out = io.StringIO()
    render({"findings": list(findings)}, out, verbose=verbose)
    return list(csv.reader(io.StringIO(out.getvalue())))


def finding(message, outcome="fail"):
    return {"check": "a.b", "level": "info", "outcome": outcome, "message": message, "waiver": None}


def test_what_passed_is_left_out():
    assert rows(finding("no"), finding("yes", "pass"))[1:] == [["a.b", "info", "fail", "no"]]
    assert len(rows(finding("yes", "pass"), verbose=True)) == 2


def test_nothing_of_the_host_becomes_a_formula_a_cell_or_a_line():
    for message in ("=1+1", "+1", "-1", "@SUM(A1)", 'a","b', "a\nb", "a\r\nb"):
        (row,) = rows(finding(message))[1:]
        assert len(row) == 4
        assert not row[3].startswith(("=", "+", "-", "@"))
