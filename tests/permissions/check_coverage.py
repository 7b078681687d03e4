#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fails unless a test program reaches every line and both ways of every branch of a folder's code.

usage: check_coverage.py TEST_PROGRAM FOLDER EXCEPTIONS WORK_FOLDER

The program is compiled with clang's -fprofile-instr-generate -fcoverage-mapping. What headers hold counts
where a source that is compiled so calls it; of a template each use by itself. EXCEPTIONS has a line
"FILE: CODE | REASON" for each line of code that cannot be reached, or whose branch cannot; one that is
reached after all fails too.
"""

import json
import os
import pathlib
import subprocess
import sys


def run_program(program, work):
    """Runs the tests and returns what llvm-cov found, file by file."""
    work.mkdir(parents=True, exist_ok=True)
    for old in work.glob("*.prof*"):
        old.unlink()
    environment = dict(os.environ, LLVM_PROFILE_FILE=str(work / "%p.profraw"))
    # The random cases are left out: what they alone reach, no test says in words. A test that fails is
    # another test's news.
    subprocess.run([program, "--gtest_brief=1", "--gtest_filter=-DecideModel.*:ConsentMutation.*"], env=environment,
                   stdout=subprocess.DEVNULL)
    data = work / "all.profdata"
    subprocess.run(["llvm-profdata", "merge", "-sparse", "-o", data, *work.glob("*.profraw")], check=True)
    exported = subprocess.run(["llvm-cov", "export", "-format=text", f"-instr-profile={data}", program],
                              check=True, capture_output=True)
    return json.loads(exported.stdout)["data"][0]["files"]


def lines_of(found):
    """Yields (line, count) for each line that has code."""
    # Segments: line, column, count, has_count, is_region_entry, is_gap. A line counts as the largest of
    # the regions that begin in it, else as the one that it is within.
    segments = found["segments"]
    last = segments[-1][0] if segments else 0
    index, within = 0, None
    for line in range(1, last + 1):
        counts = [] if within is None else [within]
        entries = []
        while index < len(segments) and segments[index][0] == line:
            _, _, count, has_count, is_entry, is_gap = segments[index]
            within = count if has_count and not is_gap else None
            if has_count and is_entry and not is_gap:
                entries.append(count)
            index += 1
        counts += entries
        if counts:
            yield line, max(counts)


def missed(found, text):
    """Returns {line: what was missed there} of a file whose lines are 'text'."""
    misses = {}
    for line, count in lines_of(found):
        # What the compiler writes itself is not counted.
        if count == 0 and not text[line - 1].endswith(" = default;"):
            misses.setdefault(line, "not reached")
    for line, column, _, _, true_count, false_count, *_ in found["branches"]:
        for count, way in ((true_count, "true"), (false_count, "false")):
            if count == 0 and misses.get(line) != "not reached":
                misses[line] = f"never {way} (column {column})"
    return misses


def read_exceptions(path):
    exceptions = {}
    for row in path.read_text(encoding="utf-8").splitlines():
        if row and not row.startswith("#"):
            code, separator, reason = row.rpartition(" | ")
            if not separator or not reason:
                sys.exit(f"{path}: without a reason: {row}")
            exceptions[code] = reason
    return exceptions


def main(program, folder, exceptions_path, work):
    folder = pathlib.Path(folder).resolve()
    exceptions = read_exceptions(pathlib.Path(exceptions_path))
    sources = sorted([*folder.glob("*.cc"), *folder.glob("*.h")])
    found = {pathlib.Path(file["filename"]).resolve(): file for file in run_program(program, pathlib.Path(work))}
    bad, used, lines, branches = 0, set(), 0, 0
    for source in sources:
        if source not in found:
            if source.suffix == ".h":  # only declares
                continue
            print(f"{source.name}: no test is linked with it")
            bad += 1
            continue
        summary = found[source]["summary"]
        lines += summary["lines"]["count"]
        branches += summary["branches"]["count"]
        text = source.read_text(encoding="utf-8").splitlines()
        for line, what in sorted(missed(found[source], text).items()):
            code = f"{source.name}: {text[line - 1].strip()}"
            if code in exceptions:
                used.add(code)
                continue
            print(f"{source.name}:{line}: {what}: {text[line - 1].strip()}")
            bad += 1
    for code in sorted(set(exceptions) - used):
        print(f"listed as not reachable, but reached or gone: {code}")
        bad += 1
    print(f"{folder.name}: {len(sources)} files, {lines} lines, {branches} branches; "
          f"{bad} not covered, {len(used)} excepted")
    return bad != 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
