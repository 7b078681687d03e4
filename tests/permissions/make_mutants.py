#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes copies of the code that decides, each spoilt in one place, for mutation_test.cc.

usage: make_mutants.py OUT_PREFIX PARTS DECIDE_CC EVENT_SCOPES_CC ACCOUNT_ACCESS_CC

Finds by itself every place where one of these changes makes another program: && and ||, comparisons,
a negation added or left out, a condition always true or never, true and false, |= and its like, min
and max, a break or the setting of a field left out, another value returned, another reach in the
table of event kinds. Each
copy lives in a namespace of its own with functions of other names, so that all of them are compiled
together, once: OUT_PREFIX0.cc to OUT_PREFIX(PARTS-1).cc. Of the table only the table is copied; one
copy of what decides looks at whichever is under test.
"""

import re
import sys

# The fields of Deciders (model_check.h), and the functions behind them.
DECIDERS = {
    "decide": "Decide",
    "decide_send": "DecideSend",
    "limits_for": "LimitsFor",
    "view_of": "ViewOf",
    "next_expiry": "NextExpiry",
    "lapse_time": "LapseTime",
    "is_broker_only": "IsBrokerOnly",
    "decide_person": "DecidePerson",
    "decide_new_chat": "DecideNewChat",
    "limits_for_new_chat": "LimitsForNewChat",
}
TABLE_FUNCTIONS = ["FindEventScopes", "IsBrokerOnly"]
ACCOUNT_FUNCTIONS = ["DecidePerson", "DecideNewChat", "LimitsForNewChat"]
# What the code that decides shares with the rest of permissions/ is spoilt with it.
DECIDE_FUNCTIONS = ["Decide", "DecideSend", "LimitsFor", "ViewOf", "NextExpiry", "LapseTime", "CoversEveryChat"]
VALUES = {
    "Verdict": ["kAllowed", "kPaused", "kScopeMissing", "kRevoked", "kSuspended", "kExpired", "kNotFound"],
    "View": ["kNothing", "kMetadata", "kWhole", "kWithheld"],
    "Standing": ["kInForce", "kSuspended", "kExpired", "kRevoked"],
    "SendMode": ["kRefused", "kAsk", "kSend"],
}
COMPARISONS = {
    "==": ["!="],
    "!=": ["=="],
    "<": [">=", "<="],
    "<=": [">", "<"],
    ">": ["<=", ">="],
    ">=": ["<", ">"],
}


def without_comments(text):
    """Blanks comments, so that positions stay."""
    return re.sub(r"//[^\n]*", lambda found: " " * len(found.group()), text)


def operand_start(text, at):
    """Where the operand that ends before 'at' begins."""
    depth = 0
    while at > 0:
        char = text[at - 1]
        if char in ")]":
            depth += 1
        elif char in "([" and depth == 0:
            return at
        elif char in "([":
            depth -= 1
        elif depth == 0:
            before = text[max(0, at - 7) : at]
            if char in ";{}," or before.endswith(("&&", "||", " ? ", " : ", "return ", " = ", "|= ")):
                return at
        at -= 1
    return at


def operand_end(text, at):
    """Where the operand that begins at 'at' ends."""
    depth = 0
    while at < len(text):
        char = text[at]
        if char in "([":
            depth += 1
        elif char in ")]" and depth == 0:
            return at
        elif char in ")]":
            depth -= 1
        elif depth == 0 and (char in ";,{" or text[at:].startswith((" &&", " ||", " ? ", " : "))):
            return at
        at += 1
    return at


def closing(text, at):
    """The position of the bracket that closes the one before 'at'."""
    depth = 1
    while depth:
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return at - 1


def changes(text):
    """Yields (start, end, replacement) for each single change."""
    for found in re.finditer(r" (&&|\|\|)\s", text):
        sign = found.group(1)
        start = found.start(1)
        yield start, start + 2, "||" if sign == "&&" else "&&"
        for begin, end in ((operand_start(text, start), found.start()), (found.end(), operand_end(text, found.end()))):
            operand = text[begin:end]
            # Of comparisons and of what is negated already, the other changes make the opposite.
            if not re.search(r"!|&&|\|\|| [<>=]+ ", operand):
                yield begin, end, f" !({operand.strip()})"
    for found in re.finditer(r" (==|!=|<=|>=|<|>) ", text):
        for other in COMPARISONS[found.group(1)]:
            yield found.start(1), found.end(1), other
    for found in re.finditer(r"!(?=[A-Za-z(])", text):
        yield found.start(), found.end(), ""
    for found in re.finditer(r"\b(true|false)\b", text):
        yield found.start(), found.end(), "false" if found.group() == "true" else "true"
    for found in re.finditer(r"\bif \(", text):
        end = closing(text, found.end())
        for other in ("true", "false"):
            yield found.end(), end, other
    for found in re.finditer(r"\s\?\s", text):
        start = operand_start(text, found.start())
        for other in ("true", "false"):
            yield start, found.start(), f" {other}"
    for found in re.finditer(r" (\|=) ", text):
        for other in ("&=", "="):
            yield found.start(1), found.end(1), other
    for found in re.finditer(r"std::(min|max)\b", text):
        yield found.start(1), found.end(1), "max" if found.group(1) == "min" else "min"
    for found in re.finditer(r"\b[a-z_]+(\.[a-z_]+)+ = [^;]*;", text):
        yield found.start(), found.end(), ";"
    for found in re.finditer(r"\bbreak;", text):
        yield found.start(), found.end(), ";"
    for found in re.finditer(r"\breturn [^;]*;", text):
        for value in re.finditer(r"\b(\w+)::(k\w+)", found.group()):
            values = VALUES.get(value.group(1), [])
            # The two that follow it, round the list.
            at = values.index(value.group(2)) if value.group(2) in values else 0
            for other in (values + values)[at + 1 : at + 3]:
                begin = found.start() + value.start(2)
                yield begin, begin + len(value.group(2)), other
    for found in re.finditer(r'", (kChat|kAccount|kAddressed),', text):
        for other in ("kChat", "kAccount", "kAddressed"):
            if other != found.group(1):
                yield found.start(1), found.end(1), other


def line_of(text, at):
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    return start, len(text) if end < 0 else end


def describe(text, start, end, replacement):
    """'the lines as they are => as they become', in one line, however they were broken."""
    begin, _ = line_of(text, start)
    if text[begin:end].strip() == "break;":  # of several the line before tells which
        begin, _ = line_of(text, begin - 1)
    _, finish = line_of(text, end)
    before = " ".join(text[begin:finish].split())
    after = " ".join((text[begin:start] + replacement + text[end:finish]).split())
    return f"{before} => {after}"


def source_of(path):
    """The code of a file without includes, comments, and what only the compiler looks at."""
    with open(path, encoding="utf-8") as file:
        text = without_comments(file.read())
    text = re.sub(r"consteval bool InOrder\(\) \{.*?\n\}\nstatic_assert\(InOrder\(\)\);", "", text, flags=re.S)
    includes = re.findall(r"#include <[^>]*>", text)
    return includes, re.sub(r"#include [^\n]*\n", "", text)


def in_namespace(text, namespace, functions):
    """'text' with its functions under names of their own: calls among them must not find the real ones."""
    text = text.replace("namespace postern::permissions {", f"namespace postern::permissions::{namespace} {{")
    for function in functions:
        text = re.sub(rf"\b{function}\(", f"{function}_{namespace}(", text)
    return text


def pointers(namespace, functions):
    """The Deciders that are functions of 'namespace'; the others stay the real ones."""
    return ", ".join(f".{field} = &{namespace}::{name}_{namespace}" for field, name in DECIDERS.items()
                     if name in functions)


def mutants_of(path):
    """Yields (name, text) for each single change of a file."""
    _, body = source_of(path)
    seen = set()
    for start, end, replacement in changes(body):
        text = body[:start] + replacement + body[end:]
        if text not in seen:
            seen.add(text)
            yield f"{path.rsplit('/', 1)[-1]}: {describe(body, start, end, replacement)}", text


def write_part(path, number, includes, decide_body, mutants):
    lines = ["// Made by make_mutants.py.", *includes, '#include "permissions/account_access.h"',
             '#include "permissions/decide.h"', '#include "permissions/event_scopes.h"', '#include "permissions/limits.h"',
             '#include "tests/permissions/mutants.h"', ""]
    # What decides, over whichever table is under test.
    over_table = f"over_table_{number}"
    table_user = in_namespace(decide_body, over_table, DECIDE_FUNCTIONS)
    lines.append(table_user.replace("FindEventScopes(", "TableUnderTest("))
    rows = []
    for index, (name, text, functions) in enumerate(mutants):
        namespace = f"mutant_{number}_{index}"
        lines.append(in_namespace(text, namespace, functions))
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        own, table = pointers(namespace, functions), "FindEventScopes"
        if functions == TABLE_FUNCTIONS:
            own = f"{pointers(over_table, DECIDE_FUNCTIONS)}, {own}"
            table = f"{namespace}::FindEventScopes_{namespace}"
        rows.append(f'    {{"{quoted}", {{{own}}}, &{table}}},')
    lines += ["namespace postern::permissions {", "static const Mutant kMutants[] = {", *rows, "};",
              f"std::span<const Mutant> MutantsPart{number}() {{ return kMutants; }}", "}"]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def main(prefix, parts, decide, table, account):
    _, decide_body = source_of(decide)
    includes, mutants = [], []
    for path, functions in ((decide, DECIDE_FUNCTIONS), (table, TABLE_FUNCTIONS), (account, ACCOUNT_FUNCTIONS)):
        includes += source_of(path)[0]
        mutants += [(name, text, functions) for name, text in mutants_of(path)]
    for part in range(int(parts)):
        write_part(f"{prefix}{part}.cc", part, includes, decide_body, mutants[part :: int(parts)])


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
