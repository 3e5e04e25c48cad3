"""Decks: every one that ships passes --check; what is broken, twice, or in the wrong place is refused in one line; a key that
changes nothing is refused on the command line and named in a deck; a printed configuration is a deck that resolves to itself."""
import os
import random
import re
import shutil
import subprocess

from _run import PROGRAM, SOURCE, check, folder, ours, run

tmp = folder()
SMALL = ["-city_generate", "flat", "-city_size_x_m", 80, "-city_size_y_m", 80, "-les_margin_m", 80, "-les_rim_m", 20, "-les_spinup_s", 0,
         "-les_duration_s", 60, "-les_top_m", 200]


def deck(text, name="deck.yaml"):
    path = os.path.join(tmp, name)
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    return path


def refused(words, *args):
    out = run(*args, ranks=0, timeout=120)
    lines = ours(out.stderr)
    check(out.returncode == 2 and len(lines) == 1, args, "exit code", out.returncode, out.stdout, out.stderr)
    for w in words:
        check(w in lines[0], args, "lacks", repr(w), ":", lines[0])


def config(*args, rc=0):
    out = run(*args, "--print-config", ranks=0)
    check(out.returncode == rc, args, out.stderr)
    return out.stdout


def shipped():
    """Those that ship run on what ships; tokyo_station.yaml says in its first line what to give."""
    for name in ("quickstart", "training/pairs", "tokyo_station"):
        path, more, command = os.path.join(SOURCE, "input", name + ".yaml"), [], "forecast"
        if name == "training/pairs":
            command = "pairs"
        if name == "tokyo_station":
            with open(path) as f:
                check("-city_file FILE" in f.readline(), "the first line of", path)
            missing = run(command, path, "--check", "-run_output_dir", os.path.join(tmp, "no"), ranks=0)
            check(missing.returncode == 3 and "buildings.geojson" in missing.stderr, missing.stderr)
            side = "[[[-7000,-36300],[-5000,-36300],[-5000,-36299],[-7000,-36299],[-7000,-36300]]]", \
                   "[[[-7000,-34400],[-5000,-34400],[-5000,-34399],[-7000,-34399],[-7000,-34400]]]", \
                   "[[[-6000,-35400],[-5960,-35400],[-5960,-35360],[-6000,-35360],[-6000,-35400]]]"
            more = ["-city_file", deck(
                '{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::6677"}},"features":['
                + ",".join('{"type":"Feature","properties":{"height_m":30},"geometry":{"type":"Polygon","coordinates":%s}}' % s
                           for s in side) + "]}", "city.geojson")]
        out = run(command, path, "--check", "-run_output_dir", os.path.join(tmp, "no"), *more, ranks=0)
        check(out.returncode == 0 and "ready to run" in out.stdout, name, out.stdout, out.stderr)
        check("without effect" not in out.stderr, name, "has keys without effect:", out.stderr)
    out = run("train", os.path.join(SOURCE, "input/training/train.yaml"), "--check", ranks=0)
    check(out.returncode == 2 and "data_files is empty" in out.stderr, "train.yaml", out.stderr)


def without_effect():
    """Refused on the command line with what uses the key; named in one line where it stands in a deck."""
    refused(["-les_slice_z_m", "forecast", "allowed with: les"], "forecast", "-les_slice_z_m", 10, "--check")
    refused(["-tracer_name", "les"], "forecast", "-tracer_name", "smoke", "--check")
    refused(["-les_duration_s", "forecast,les,pairs"], "train", "-les_duration_s", 60, "--check")
    refused(["les_dx_m is '10'", "allowed in a forecast: 20"], "forecast", "-les_dx_m", 10, "--check")
    refused(["-les_inflow_length_m", "les_inflow synthetic or file"], "les", "-les_inflow_length_m", 50, "--check")
    refused(["-sr_noise ", "sr_sampler"], "forecast", "-sr_sampler", "flow_euler", "-sr_noise", "foellmer", "--check")
    refused(["-les_longitude_deg", "les_sun"], "les", "-les_longitude_deg", 9, "--check")
    refused(["-les_top_m", "sr does not use"], "forecast", "-les_input_file", "lr.nc", "-les_top_m", 300, "--check")
    refused(["-run_seed", "info"], "info", "-run_seed", 3)
    path = deck("tracer: {name: smoke}\nles: {slice_z_m: [10], inflow_length_m: 50, sun: false, dx_m: 20}\nsr: {members: 3}\n")
    out = run("city", path, "--check", "-run_output_dir", os.path.join(tmp, "no"), ranks=0)
    line = [l for l in out.stderr.splitlines() if "without effect" in l]
    check(out.returncode == 0 and len(line) == 1, out.stderr)
    for word in ("on city", "les_slice_z_m (les)", "tracer_name (les)", "les_inflow_length_m (forecast,les,pairs)"):
        check(word in line[0], word, line[0])
    check("les_sun" not in line[0] and "les_dx_m" not in line[0], "keys that say what is true anyway", line[0])
    out = run("les", deck("les: {inflow_length_m: 50}"), "--check", *SMALL, "-run_output_dir", os.path.join(tmp, "no"), ranks=0)
    check("les_inflow_length_m (has an effect with les_inflow synthetic or file)" in out.stderr, out.stderr)


def read():
    """What the table of keys promises a command reads, and --check sees it: a printed configuration gives every key."""
    for command in ("les", "forecast", "pairs", "city", "bench"):
        small = {"bench": [], "city": SMALL[:6]}.get(command, [*SMALL, "-les_duration_s", 600])
        path = deck(config(command, *small))
        out = run(command, path, "--check", *([] if command == "bench" else ["-run_output_dir", os.path.join(tmp, "no")]), ranks=0)
        check(out.returncode == 0 and out.stderr == "", command, out.stderr)


def places():
    """The deck is found wherever it stands; nothing is taken for a deck or a value in silence."""
    path = deck("run: {output_dir: mine}\ncity: {generate: flat}\n")
    for args in (["-ksp_monitor", path], ["-les_top_m", 400, path], ["-run_overwrite", path]):
        text = config("les", *args)
        check('output_dir: "mine"' in text and "generate: flat" in text, args, text[:200])
    refused(["after the deck"], "les", path, path)
    refused(["after the deck"], "les", path, "-ksp_monitor", path)
    refused(["the deck, or the value of -run_output_dir"], "les", "-run_output_dir", path)
    refused(["the deck, or the value of -ksp_monitor"], "les", "-ksp_monitor", PROGRAM)
    refused(["no/such.yaml"], "les", "-ksp_monitor", "no/such.yaml")
    refused(["empty word"], "les", "")
    refused(["run_output_dir is ''", "the path of a file"], "les", "-run_output_dir", "", "--check")
    refused(["unknown command 'foo'", "forecast city"], "foo", "--help")
    refused(["/: cannot read the deck: it is a folder"], "les", "/")
    refused(["/dev/null: cannot read the deck: it is a device"], "les", "/dev/null")


def values():
    """The ways of being broken are the unit test's (tests/unit/config/deck.c); here what only this table can show."""
    for text, words in (("les: {top_m: 400}\n---\nrun: {seed: 5}\n", [":2", "second YAML document"]),
                        ('run: {output_dir: "a\\nb"}', ["a\\x0ab"]), ("run: {output_dir: %s}" % ("d" * 1000), ["1000 bytes", "at most 900"]),
                        ("les: {wind_table_time_s: [0, 60, 60]}", ["60 after 60", "increasing"])):
        refused(words, "les", deck(text), "--check")
    for time in ("next monday", "2026-06-31T12:00:00", "2025-02-29T00:00:00", "2026-08-01T24:00:00", "2026-08-01T12:00:00+09:00"):
        refused(["run_start_time", time, "ISO time in UTC"], "les", *SMALL, "-run_start_time", time, "--check")
    check(run("les", *SMALL, "-run_start_time", "2000-02-29T23:59:59Z", "--check", ranks=0).returncode == 0, "a leap day")


def porous():
    """What does not go with geometry below the cells is refused before the run."""
    for words, args in ((["les_geometry is 'porous'", "les_advection upwind5"], ["-les_advection", "upwind5"]),
                        (["les_geometry is 'porous'", "les_ground most"], ["-les_ground", "most"]),
                        (["les_profile_interval_s is '60'"], ["-les_profile_interval_s", 60]),
                        (["les_geometry_dx_m is '3'", "whole number"], ["-les_geometry_dx_m", 3])):
        refused(words, "les", "--check", *SMALL, "-les_geometry", "porous", *args)
    refused(["-les_form_drag", "les_geometry porous"], "les", "--check", *SMALL, "-les_form_drag", 1)


def petsc():
    """As on the command line: the table of times, and exit code 0."""
    for option in ('log_view: ""', "malloc_debug: true"):
        out = run("les", deck("petsc: {%s}" % option), *SMALL, "-run_output_dir", os.path.join(tmp, "petsc"), "-run_overwrite", ranks=0)
        check(out.returncode == 0 and ("Performance Summary" in out.stdout) == ("log_view" in option), option, out.stdout[-500:], out.stderr)
    out = run("les", deck("petsc: {foo_bar: 3}"), *SMALL, "-run_output_dir", os.path.join(tmp, "petsc"), "-run_overwrite", ranks=0)
    check("-foo_bar has had no effect" in out.stderr, out.stderr)


def round_trip():
    """Random decks over the table of keys: what is printed is a deck that prints the same, for every command."""
    table = run("--help-rst", ranks=0).stdout
    rows = re.findall(r"^``(\w+?)_(\w+)``\n.*\n\n   \*(.*?)\*; ", table, re.M)
    check(len(rows) > 150, "the table of keys", len(rows))
    random.seed(7)
    texts = ['a "b"', "ü/ö", "a: b #c", "null", "~", "true", "5", " x", "*a", "- b", "{", "it's"]

    def value(allowed):
        numbers = [float(x) for x in re.findall(r"(?:from|to|least) (-?[\d.]+(?:e[-+]?\d+)?)", allowed.replace("\\", ""))]
        low, high = (numbers + [1, 1])[:2] if numbers else (1, 9)
        number = lambda: str(random.choice([low, high, low + (high - low) // 2]) if "whole" not in allowed else int(high))
        if "one of" in allowed:
            return random.choice(allowed.replace("\\", "").split("one of ")[1].split("|"))
        if allowed.startswith("true"):
            return random.choice(["true", "no", "1"])
        if "list of numbers" in allowed:
            return "[" + number() + "]"
        if "number" in allowed:
            return number()
        quoted = lambda: '"' + random.choice(texts).replace("\\", "\\\\").replace('"', '\\"') + '"'
        return "[" + quoted() + ", " + quoted() + "]" if "list" in allowed else quoted()

    for i in range(6):
        groups = {}
        for group, name, allowed in random.sample(rows, random.randint(20, 90)):
            groups.setdefault(group, []).append(f"{name}: {value(allowed)}")
        text = "".join(f"{g}:\n" + "".join(f"  {line}\n" for line in lines) for g, lines in groups.items())
        command = random.choice("forecast les pairs train sr evaluate bench city".split())
        first = config(command, deck(text))
        check(config(command, deck(first, "again.yaml")) == first, "printed another configuration than", text)
    first = config("sr", deck("les: {input_file: lr.nc}"))
    check("wind_speed_m_per_s: null" in first and "theta_surface_K: null" in first, "what the file says is not printed as given")


def streams():
    """stdout closed early is no crash; a configuration that did not arrive is no success; a run keeps its results."""
    shell = lambda line: subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=300)
    for to in (">&-", ">/dev/full"):
        out = shell(f"{PROGRAM} les --print-config {to}")
        check(out.returncode == 5 and "stdout" in out.stderr, to, out.returncode, out.stderr)
    small = " ".join(map(str, SMALL))
    out_dir = os.path.join(tmp, "closed")
    for to in (">&-", "| head -c 1 >/dev/null; exit ${PIPESTATUS[0]}", "2>&- >&-"):
        out = shell(f"{PROGRAM} les {small} -run_output_dir {out_dir} -run_overwrite {to}")
        check(out.returncode == 0, to, out.returncode, out.stderr)
        info = run("info", os.path.join(out_dir, "lr.nc"), ranks=0)
        check(info.returncode == 0 and "1 x 10 x 4 x 4" in info.stdout, "the results are whole", to, info.stdout, info.stderr)
    both = run("les", *SMALL, "--check", "--print-config", "-run_output_dir", os.path.join(tmp, "no"), ranks=0)
    check(both.returncode == 0 and both.stdout == config("les", *SMALL, "-run_output_dir", os.path.join(tmp, "no")), both.stdout)
    check("ready to run" in both.stderr, "--check with --print-config", both.stderr)


def large_city():
    """25 km at 5 m: planned without being made, with numbers that scale; a limit is told."""
    def plan(side, ranks):
        out = run("forecast", "--check", "-city_generate", "flat", "-city_size_x_m", side, "-city_x_min_m", -12500, "-city_y_min_m",
                  -12500, "-les_margin_m", 0, "-les_rim_m", 0, "-run_output_dir", os.path.join(tmp, "no"), ranks=ranks)
        check(out.returncode == 0, out.stderr)
        return {m[1].strip(): float(m[2]) for m in re.finditer(r"^  (\S.*?) +[\d.]+ GB +([\d.]+) GB$", out.stdout, re.M)}, out.stdout

    small, _ = plan(2500, 0)
    for ranks in (0, 2):
        large, text = plan(25000, ranks)
        for row in ("flow solver at 20 m", "network: fields", "fields at 5 m", "a member and its file"):
            check(95 < large[row] / small[row] < 105, row, large[row], "against", small[row])
        check("as far as checked" in text, "--check says what it did not check", text)
    out = run("forecast", "--check", "-city_size_x_m", 25000, "-run_memory_limit_gb", 100, "-run_output_dir", os.path.join(tmp, "no"), ranks=0)
    check(out.returncode == 2 and "run_memory_limit_gb is '100'" in out.stderr, out.stderr)
    refused(["les_duration_s is '6e+13'", "les_output_interval_s"], "les", "-les_duration_s", 6e13, "--check")


for test in (shipped, without_effect, read, places, values, porous, petsc, round_trip, streams, large_city):
    test()
shutil.rmtree(tmp)
print("passed")
