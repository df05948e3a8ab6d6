"""select_kernels.py SOURCE: scripts/select-kernels against made-up races whose best limits are known."""
import contextlib
import importlib.machinery
import importlib.util
import io
import json
import math
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
SOURCE = pathlib.Path(sys.argv[1]).resolve()
SCRIPT = SOURCE / "scripts" / "select-kernels"
sys.path.insert(0, str(SOURCE / "scripts"))
loader = importlib.machinery.SourceFileLoader("select_kernels", str(SCRIPT))
select = importlib.util.module_from_spec(importlib.util.spec_from_loader("select_kernels", loader))
loader.exec_module(select)
from select_rules import chosen_form, name_of, up  # noqa: E402

PAGE = SOURCE / "kernels" / "select.cuh"


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def made_up_shapes():
    """Products, convolutions and weight gradients of many sizes, with every form that could compute them."""
    shapes = []

    def add(precision, forms, **numbers):
        shapes.append({"name": f"shape {len(shapes)}", "batch": 0, "precision": precision,
                       "forms": [{"form": name_of(f), "way": f[0], "tile_m": f[1], "tile_n": f[2], "splits": f[3], "blocks": blocks,
                                  "error": ""} for f, blocks in forms], **numbers})

    powers = [2 ** i for i in range(9)]
    for precision in ("bf16", "tf32", "fp32"):
        way, tiles = ("ffma", (128, 64, 32)) if precision == "fp32" else ("mma", (128, 64))
        for m, n, k in [(m, n, k) for m in (40, 128, 512, 2048, 4096) for n in (1, 24, 56, 96, 512, 4096)
                        for k in (1, 16, 64, 640, 8192)]:
            forms = [((way, t, t, p), up(m, t) * up(n, t) * p) for t in tiles for p in powers]
            if 1 in (n, k):
                forms.append((("vector", 0, 0, 1), up(m, 8)))
            if precision != "fp32":
                forms += [(("wgmma", 128, t, 1), up(m, 128) * up(n, t)) for t in (128, 64)]
            add(precision, forms, op="gemm", product=True, M=m, N=n, K=k, trans_a=False, trans_b=False)
        for images, size, c, k in [(i, s, c, k) for i in (40, 128, 256) for s in (4, 14) for c in (1, 32, 64, 128)
                                   for k in (1, 40, 64, 128, 256)]:
            conv = {"images": images, "H": size, "W": size, "P": size, "Q": size, "C": c, "K": k, "R": 3, "S": 3, "stride_h": 1,
                    "stride_w": 1, "product": False}
            rows = images * size * size
            forms = [((way, t, t, 1), up(rows, t) * up(k, t)) for t in tiles]
            if precision != "fp32":
                forms += [(("mma", 128, 64, 1), up(rows, 128) * up(k, 64))]
                forms += [(("wgmma", 128, t, 1), size * size * up(images, 128) * up(k, t)) for t in (128, 64)]
            if 1 in (c, k):
                forms.append((("one_channel", 0, 0, 1), rows))
            add(precision, forms, op="forward", **conv)
            forms = [((way, t, t, p), 9 * up(c, t) * up(k, t) * p) for t in tiles for p in powers]
            if precision == "bf16":
                forms += [(("wgmma", *t, p), 9 * up(c, t[0]) * up(k, t[1]) * p) for t in ((64, 128), (128, 64), (128, 128))
                          for p in powers]
            if 1 in (c, k):
                forms += [(("one_channel", 0, 0, p), p * up(max(c, k), 32)) for p in powers]
            add(precision, forms, op="weight_grad", **conv)
    return shapes


def race(limits, shapes, slower=1.2):
    """What would be measured if these limits were the best ones: every other form takes longer."""
    rows = []
    for shape in shapes:
        way, tile_m, tile_n, splits = chosen_form(limits, shape)
        row = json.loads(json.dumps(shape))
        for form in row["forms"]:
            same = (form["way"], form["tile_m"], form["tile_n"]) == (way, tile_m, tile_n)
            form["cold_s"] = 1e-5 * (slower ** (same is False)) * (1 + 0.1 * abs(math.log2(form["splits"] / splits)))
        row["chosen"] = name_of(chosen_form(limits, shape))
        rows.append(row)
    return rows


def run(folder, rows, *options, expected=0):
    path = folder / "race.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = subprocess.run([sys.executable, str(SCRIPT), str(path), "--page", str(folder / "select.cuh"), *options],
                          capture_output=True, text=True, timeout=300)
    check(done.returncode == expected, f"{options}: exit code {done.returncode}, expected {expected}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def main():
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        page = folder / "select.cuh"
        shapes, text = made_up_shapes(), re.sub(r'\{(\d+), "[^"]*"\}', r"{\1, not_measured}", PAGE.read_text())
        page.write_text(text)
        before = select.read_limits(text, "sm_90")
        fitted = sum(name in select.CANDIDATES for name in before)
        who = ("--card", "Some GPU", "--commit", "abcdef0", "--date", "2001-02-03")

        # The kernels' choices under the page's limits are those of the rules, and a different one is told.
        rows = race(before, shapes)
        check("choices are those of the kernels" in run(folder, rows, "--check"), "--check")
        rows[3]["chosen"] = "some other form"
        check("the kernels chose some other form" in run(folder, rows, "--check", expected=1), "--check of another form")
        check(page.read_text() == text, "--check wrote")

        # Where the page has the best limits already, they stay; those that the race tells something about get the card beside them.
        output = run(folder, race(before, shapes), *who)
        after = select.read_limits(page.read_text(), "sm_90")
        check(after == before, f"limits that were the best changed: {output}")
        check(page.read_text().count('"Some GPU, 2001-02-03, abcdef0"') == fitted, f"not all were measured: {output}")
        check(page.read_text().count("not_measured}") == text.count("not_measured}") - fitted, "the other table was written")

        # Other limits that are the best are found, and no shape is then given another form than the best.
        known = {**before, "ffma_blocks": 66, "mma_blocks": 198, "split_terms": 512, "vector_terms": 0, "one_channel": 0, "columns": 32, "filled": 25,
                 "tiles": 16, "wide_tiles": 132, "grad_fewer": 32, "grad_more": 128, "grad_filled": 50}
        page.write_text(text)
        output = run(folder, race(known, shapes), *who)
        found = select.read_limits(page.read_text(), "sm_90")
        check("1.000 after" in output, f"regret is left: {output}")
        wrong = [s["name"] for s in shapes if chosen_form(found, s)[:3] != chosen_form(known, s)[:3]]
        check(not wrong, f"{len(wrong)} shapes are given another form: {output}")
        for name in ("split_terms", "vector_terms", "one_channel", "wide_tiles", "grad_filled"):
            check(found[name] == known[name], f"{name}: {found[name]}, expected {known[name]}: {output}")

        # What gains less than the noise is left alone.
        page.write_text(text)
        run(folder, race({**before, "wide_tiles": 132}, shapes, slower=1 + 1e-5), *who)
        check(select.read_limits(page.read_text(), "sm_90")["wide_tiles"] == before["wide_tiles"], "noise changed a limit")

        # A race of products alone tells nothing about weight gradients; rows that were left out or failed do no harm.
        page.write_text(text)
        products = race(before, [s for s in shapes if s["product"]])
        rows = products + [{"name": "late", "left_out": True}, {"name": "broken", "error": "some error"}]
        output = run(folder, rows, *who)
        check("grad_more" in output and "the race tells nothing" in output, output)
        check(f'.grad_more = {{{before["grad_more"]}, not_measured}}' in page.read_text(), "weight gradients were not measured")

        # Bad input is a message.
        check("no race in it" in run(folder, [{"name": "late", "left_out": True}], *who, expected=1), "an empty race")
        (folder / "race.jsonl").write_text("some words\n")
        with contextlib.redirect_stderr(io.StringIO()):
            try:
                select.read_race(folder / "race.jsonl")
                check(False, "words pass for a race")
            except SystemExit as error:
                check("not a row of a race" in str(error), str(error))
        check("are to stand beside" in run(folder, products, expected=2), "no card")
        print("ok: select-kernels")
    finally:
        shutil.rmtree(folder)


main()
