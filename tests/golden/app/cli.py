"""Help, version, configuration: what the command line promises, and one readable line for each way of being wrong."""
import os
import subprocess
import sys

from _run import SOURCE, check, folder, ours, run

COMMANDS = "forecast city les pairs train sr evaluate bench info".split()


def helps():
    out = run("--help", ranks=0)
    check(out.returncode == 0 and all(f"\n  {c} " in out.stdout for c in COMMANDS), "--help", out.stdout, out.stderr)
    check(run("--version", ranks=0).stdout.startswith("windbridge "), "--version")
    for c in COMMANDS:
        out = run(c, "--help", ranks=0)
        check(out.returncode == 0, c, "--help", out.stderr)
        if c in ("forecast", "les"):
            check("-les_duration_s" in out.stdout and "default 600" in out.stdout, c, "--help lacks keys", out.stdout)
    out = run("--version", ranks=2)
    check(out.stdout.count("windbridge") == 1, "printed once, not per rank", out.stdout)


def printed_config_is_a_deck():
    first = run("forecast", os.path.join(SOURCE, "input", "quickstart.yaml"), "-les_duration_s", "120", "--print-config",
                ranks=0)
    check(first.returncode == 0, first.stderr)
    path = os.path.join(folder(), "again.yaml")
    with open(path, "w") as f:
        f.write(first.stdout)
    again = run("forecast", path, "--print-config", ranks=0)
    check(again.stdout == first.stdout and "duration_s: 120" in first.stdout, "round trip", again.stdout, again.stderr)


def refused(code, words, *args, ranks=1):
    out = run(*args, ranks=ranks, timeout=120)
    lines = ours(out.stderr)
    check(out.returncode == code, args, "exit code", out.returncode, "wanted", code, out.stderr)
    check(len(lines) == 1, args, "one line wanted:", out.stderr)
    for w in words:
        check(w in lines[0], args, "lacks", repr(w), ":", lines[0])
    check("PETSC ERROR" not in out.stderr and "Traceback" not in out.stderr, "stack trace", out.stderr)


def wrong_input():
    tmp = folder()

    def deck(name, text):
        path = os.path.join(tmp, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    refused(2, ["no command"])
    refused(2, ["unknown command 'forcast'"], "forcast")
    refused(2, ["unknown flag '--chek'"], "city", "--chek")
    refused(2, ["/no/such.yaml"], "city", "/no/such.yaml")
    refused(2, ["a.yaml:2", "les_duraton_s", "did you mean les_duration_s"], "les", deck("a.yaml", "les:\n  duraton_s: 1\n"),
            ranks=2)
    refused(2, ["b.yaml:1", "'soon'", "a number"], "les", deck("b.yaml", "les: {duration_s: soon}\n"))
    refused(2, ["c.yaml", "broken YAML"], "les", deck("c.yaml", "les: {duration_s: 1\n"))
    refused(2, ["les_wind_speed_m_per_s", "'900'", "from 0.2 to 40"], "les", "-les_wind_speed_m_per_s", "900")
    refused(2, ["did you mean -les_duration_s"], "les", "-lse_duration_s", "900")
    refused(2, ["les_duration_s", "multiple of 60"], "forecast", "-les_duration_s", "90", "-run_output_dir", tmp)
    refused(2, ["les_wind_table_speed_m_per_s", "1 entries", "as many as les_wind_table_time_s, 2"], "les",
            "-les_wind_table_time_s", "0,600", "-les_wind_table_speed_m_per_s", "5", "-run_output_dir", tmp)
    refused(2, ["les_wind_table_time_s", "0 after 600", "increasing"], "les", "-les_wind_table_time_s", "600,0",
            "-les_wind_table_speed_m_per_s", "5,5", "-les_wind_table_direction_deg", "0,9", "-run_output_dir", tmp)
    refused(2, ["les_latitude_deg", "geostrophic"], "les", "-les_forcing", "geostrophic", "-les_latitude_deg", "2",
            "-run_output_dir", tmp)
    refused(2, ["les_wall_flux_K_m_per_s", "les_wall_theta_K", "one of them"], "les", "-les_wall_theta_K", "300",
            "-les_wall_flux_K_m_per_s", "0.1", "-run_output_dir", tmp)
    refused(2, ["run_start_time", "'noon'", "ISO time"], "les", "-les_sun", "-run_start_time", "noon",
            "-run_output_dir", tmp)
    refused(2, ["les_dx_m", "20 m divided"], "les", "-les_dx_m", "7", "-run_output_dir", tmp)
    refused(3, ["/no/such.geojson"], "city", "-city_file", "/no/such.geojson", "-run_output_dir", tmp, ranks=2)
    refused(3, ["/no/model.h5"], "forecast", "-sr_model", "/no/model.h5", "-run_output_dir", tmp)
    refused(3, ["broken.h5"], "forecast", "-sr_model", deck("broken.h5", "not HDF5"), "-run_output_dir", tmp)
    refused(3, ["lr.nc"], "sr", "-les_input_file", os.path.join(tmp, "lr.nc"), "-run_output_dir", tmp)
    refused(3, ["no file matches"], "train", "-data_files", "/no/*.nc", "-run_output_dir", tmp)
    refused(2, ["data_files is empty"], "train", "-run_output_dir", tmp)
    refused(2, ["nothing to score"], "evaluate", "-run_output_dir", tmp)
    refused(5, ["/proc/out"], "city", "-run_output_dir", "/proc/out", ranks=2)
    refused(5, ["plain"], "city", "-run_output_dir", deck("plain", "a file"))


def city_files():
    tmp = folder()

    def file(name, text):
        path = os.path.join(tmp, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    square = '{"type":"Feature","properties":{"height_m":%s},"geometry":{"type":"Polygon","coordinates":[[[20,20],[60,20],' \
             '[60,60],[20,60],[20,20]]]}}'
    head = '{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::6677"}},"features":['
    good = file("good.geojson", head + square % "30" + "]}")
    null = file("null.geojson", head + square % "30" + "," + square % "null" + "]}")
    window = ["-city_x_min_m", 0, "-city_y_min_m", 0, "-city_size_x_m", 80, "-city_size_y_m", 80]
    refused(3, ["half.geojson"], "city", "-city_file", file("half.geojson", (head + square % "30")[:-20]),
            "-run_output_dir", tmp, *window)
    refused(3, ["null.geojson", "city_null_height"], "city", "-city_file", null, "-run_output_dir", tmp, *window)
    refused(3, ["good.geojson"], "city", "-city_file", good, "-run_output_dir", tmp, "-city_x_min_m", 9000,
            "-city_y_min_m", 9000, "-city_size_x_m", 80, "-city_size_y_m", 80)
    out = run("city", "-city_file", null, "-city_null_height", "drop", "-run_output_dir", os.path.join(tmp, "ok"), *window)
    check(out.returncode == 0, "null heights dropped", out.stderr)
    out = run("city", "-city_file", good, "-run_output_dir", os.path.join(tmp, "ok"), *window)
    check(out.returncode == 5 and "run_overwrite" in out.stderr, "existing results are refused", out.stderr)


def check_touches_nothing():
    tmp = os.path.join(folder(), "never")
    out = run("city", "--check", "-run_output_dir", tmp)
    check(out.returncode == 0 and "ready to run" in out.stdout, "--check", out.stdout, out.stderr)
    check(not os.path.exists(tmp), "--check made", tmp)


for test in (helps, printed_config_is_a_deck, wrong_input, city_files, check_touches_nothing):
    test()
print("passed")
