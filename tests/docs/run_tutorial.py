"""Runs a page of docs/ as its reader would, and checks that it prints what the page shows. Usage: run_tutorial.py PAGE.md [--have WORD,WORD]

    ```sh              runs, by bash with -euo pipefail, in one folder that is empty at first
    ```sh needs=page   runs where --have has the word (several: needs=page,torch), and is left out elsewhere
    ```text            must be in what the block before it printed: `...` alone in a line stands for any lines, within one for any text
    ```text like       the same, where numbers and their units of time may be others, or a lone dash

Blank lines, the number of blanks and the length of the rule below a table's head do not count. Blocks of other kinds are only shown. The first fault ends it, with the page's line.
"""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

LIMIT_SECONDS = 240
# A lone dash is a table's cell without a number.
NUMBER = re.compile(r"(?:[+-]?(?<!\w)\d[\d.,]*(?: ?(?:us|ms|s|min)\b)?|(?<!\S)-(?!\S))")


class Fault(Exception):
    """What is wrong with the page, with its line."""


def read_blocks(text):
    """(kind, words, first, last) of every fenced block: lines first..last, counted from 0, without the fences."""
    blocks, opened = [], None
    for number, line in enumerate(text.splitlines()):
        if not line.startswith("```"):
            continue
        if opened is None:
            opened = (line[3:].split(), number + 1)
        else:
            info, first = opened
            blocks.append((info[0] if info else "", info[1:], first, number))
            opened = None
    if opened:
        raise Fault(f"{opened[1]}: the block is not closed")
    return blocks


def split_words(text):
    return {word for word in text.split(",") if word}


def is_left_out(words, have):
    needs = {need for word in words if word.startswith("needs=") for need in split_words(word[len("needs="):])}
    return not needs <= have


def make_script(lines, runs):
    """A bash script whose lines have the numbers that they have in the page."""
    script = [""] * len(lines)
    for index, (first, last) in enumerate(runs):
        script[first - 1] = f'exec > "$OUTPUTS/{index}" 2>&1'
        script[first:last] = lines[first:last]
    script[0] = 'set -euo pipefail; trap \'echo "$LINENO: exit code $?" > "$OUTPUTS/fault"\' ERR; ' + script[0]
    return "\n".join(script) + "\n"


def tidy(text):
    lines = (re.sub(r"^-[- ]*-$", "---", " ".join(line.split())) for line in text.splitlines())
    return [line for line in lines if line]


def pattern_of(line, like):
    """The expression for one tidied line that is shown."""
    parts = []
    for part in line.split("..."):
        if not like:
            parts.append(re.escape(part))
            continue
        at = 0
        for number in NUMBER.finditer(part):
            parts.append(re.escape(part[at:number.start()]) + NUMBER.pattern)
            at = number.end()
        parts.append(re.escape(part[at:]))
        parts.append(".*?")
    return "".join(parts[:-1]) if like else ".*?".join(parts)


def find_missing(shown, printed, like):
    """The first of the shown lines up to which `printed` does not go, or None."""
    text = "\n".join(tidy(printed)) + "\n"
    expression = ""
    for line in shown:
        normal = tidy(line)
        if not normal:
            continue
        expression += r"(?:.*\n)*?" if normal[0] == "..." else pattern_of(normal[0], like) + r"\n"
        if not re.search("^" + expression, text, re.MULTILINE):
            return line
    return None


def run_script(script, outputs):
    """The exit code, by a process group of its own, so that nothing stays behind."""
    with tempfile.TemporaryDirectory(prefix="placer_tutorial_") as folder:
        process = subprocess.Popen(["bash", "-c", script], cwd=folder, env={**os.environ, "OUTPUTS": outputs},
                                   stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            return process.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            return f"none within {LIMIT_SECONDS} s"
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def check_page(text, have):
    """Runs and checks the page. @return how many blocks were run, and how many left out"""
    lines = text.splitlines()
    blocks = read_blocks(text)
    sources = [block for block in blocks if block[0] == "sh"]
    runs = [(first, last) for _, words, first, last in sources if not is_left_out(words, have)]
    if not runs:
        raise Fault("1: no ```sh block can be run")
    with tempfile.TemporaryDirectory(prefix="placer_tutorial_out_") as outputs:
        code = run_script(make_script(lines, runs), outputs)
        folder = pathlib.Path(outputs)
        printed = [(folder / str(i)).read_text(errors="replace") if (folder / str(i)).exists() else "" for i in range(len(runs))]
        fault = folder / "fault"
        if code != 0:
            where = fault.read_text().strip() if fault.exists() else f"{runs[0][0]}: exit code {code}, in a block from here on"
            started = max((i for i in range(len(runs)) if (folder / str(i)).exists()), default=0)
            raise Fault(f"{where}\n{printed[started]}")
    current = None
    for kind, words, first, last in blocks:
        if kind == "sh":
            current = None if is_left_out(words, have) else runs.index((first, last))
        elif kind == "text" and current is not None:
            missing = find_missing(lines[first:last], printed[current], "like" in words)
            if missing is not None:
                at = lines.index(missing, first) + 1
                raise Fault(f"{at}: not printed, or not there: {missing.strip()}\nprinted was:\n{printed[current]}")
    return len(runs), len(sources) - len(runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--have", default="", help="words with commas that needs=... may ask for")
    arguments = parser.parse_args()
    try:
        run, left_out = check_page(arguments.page.read_text(), split_words(arguments.have))
    except Fault as fault:
        sys.exit(f"{arguments.page}:{fault}")
    print(f"{arguments.page}: {run} blocks run, {left_out} left out")


if __name__ == "__main__":
    main()
