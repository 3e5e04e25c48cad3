"""The path from nothing to a scored model, in small: pairs -> train (stopped and resumed) -> evaluate -> info."""
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import xarray as xr

from _run import check, folder, run

SMALL = ["-city_size_x_m", 80, "-city_size_y_m", 80, "-les_margin_m", 60, "-les_rim_m", 40, "-les_top_m", 300,
         "-les_spinup_s", 60, "-les_duration_s", 120, "-pairs_drop_s", 60]
NET = ["-train_width1", 16, "-train_width2", 16, "-train_blocks1", 1, "-train_blocks2", 1, "-train_cond_nets", 1, "-train_batch", 2,
       "-train_warmup_steps", 2, "-train_validate_every", 3]


# A path of one's own, and an amplitude for each variable
TABLE = ["-sr_schedule", "table", "-train_table_t", "0,0.4,1", "-train_table_alpha", "1,0.6,0", "-train_table_beta", "0,0.3,1",
         "-train_table_noise", "1,0.7,0"]


def use(model, pair, out_dir):
    """A model of the table is one that the program uses, on time grids of all kinds."""
    info = run("info", model)
    check("schedule table" in info.stdout, info.stdout, info.stderr)
    for grid in ([], ["-sr_grid_start_power", 2], ["-sr_grid_start_power", 1.5, "-sr_grid_end_power", 3]):
        out = run("evaluate", "-data_files", pair, "-sr_model", model, "-sr_members", 2, "-sr_steps", 2, *grid, "-run_overwrite",
                  "-run_output_dir", out_dir)
        check(out.returncode == 0, grid, out.stdout, out.stderr)


def own_path(data, tmp, pair):
    folder_ = os.path.join(tmp, "own")
    amplitudes = ["-train_epsilon_factor", "1,1.2,1.2,0.9"]
    done = run("train", *NET, *data, *TABLE, *amplitudes, "-train_steps", 2, "-run_output_dir", folder_)
    check(done.returncode == 0, done.stdout, done.stderr)
    use(os.path.join(folder_, "model.h5"), pair, os.path.join(tmp, "own_scores"))
    for wrong, word in ((["-train_process", "i2sb"], "train_table_t"), (["-sr_schedule", "quadratic"], "train_table_t"),
                        (["-train_table_beta", "0,1"], "train_table_beta"), (["-train_table_noise", "1,0.7,0.1"], "noise"),
                        (["-train_epsilon_factor", "1,2"], "train_epsilon_factor")):
        bad = run("train", *NET, *data, *TABLE, *wrong, "-train_steps", 2, "-run_output_dir", folder_ + word)
        check(bad.returncode == 2 and word in bad.stderr, wrong, bad.returncode, bad.stderr)


def torch_trainer(exported, tmp, pair):
    """postproc/windbridge_train.py on the exported set; its model file is one that the program uses."""
    try:
        import torch  # noqa: F401
    except ImportError:
        print("without PyTorch: postproc/windbridge_train.py is not tested")
        return
    script = os.path.join(os.environ["WB_SOURCE_DIR"], "postproc", "windbridge_train.py")
    mean, model = os.path.join(tmp, "mean.pt"), os.path.join(tmp, "torch.h5")
    small = ["--steps", "3", "--batch", "1", "--device", "cpu", "--config", '{"cond_width1": 16, "cond_width2": 16, "width1": 16}']
    own = ["--process", "bridge", "--schedule", "table"]
    for arguments in (["mean", exported, mean, "--nets", "1"], ["step", exported, model, "--means", mean, *own]):
        done = subprocess.run([sys.executable, script, *arguments, *small], capture_output=True, text=True)
        check(done.returncode == 0, "windbridge_train.py", arguments, done.stdout, done.stderr)
    use(model, pair, os.path.join(tmp, "torch"))


tmp = folder()
try:
    pairs = []
    for i, split in enumerate(("train", "validation", "test")):
        out = run("pairs", *SMALL, "-city_seed", 20 + i, "-run_seed", i + 1, "-pairs_split", split, "-pairs_name", split,
                  "-run_output_dir", os.path.join(tmp, split))
        check(out.returncode == 0, out.stdout, out.stderr)
        pairs.append(os.path.join(tmp, split, split + ".nc"))
    with xr.open_dataset(pairs[0], group="hr") as hr, xr.open_dataset(pairs[0], group="lr") as lr:
        check(hr.sizes["time"] == 1 and hr.sizes["x"] == 16 and hr.sizes["z"] == 32, hr.sizes)
        check(lr.sizes["x"] == 4 and lr.sizes["z"] >= 9, lr.sizes)
        fluid = hr.fluid_mask.values.astype(bool)
        check(np.isfinite(hr.u.values[0][fluid]).all(), "u in air")
        check(abs(float(hr.u.mean()) - float(lr.u.mean())) < 3, "LR and HR disagree about the wind")
    info = run("info", pairs[0])
    check("split train" in info.stdout, info.stdout, info.stderr)
    whole, parts = os.path.join(tmp, "whole"), os.path.join(tmp, "parts")
    data = ["-data_files", ",".join(pairs[:2])]
    done = run("train", *NET, *data, "-train_steps", 6, "-run_output_dir", whole)
    check(done.returncode == 0, done.stdout, done.stderr)
    for name in ("model.h5", "loss.csv", "checkpoint.h5", "summary.json"):
        check(os.path.getsize(os.path.join(whole, name)) > 0, name)
    exported = os.path.join(tmp, "set.nc")
    out = run("train", *data, *TABLE, "-train_cond_nets", 1, "-train_export_file", exported)
    check(out.returncode == 0, "export", out.stdout, out.stderr)
    with xr.open_dataset(exported, group="run_000") as one, xr.open_dataset(pairs[0], group="hr") as hr:
        check(one.x1.shape == (1, 32, 16, 16, 4) and int(one.fluid_mask.sum()) == int(hr.fluid_mask.sum()), one)
        check(0 < float(abs(one.x1 - one.x0).max()) < 100 and one.attrs["split"] == "train", one.attrs)
    torch_trainer(exported, tmp, pairs[2])
    own_path(data, tmp, pairs[2])
    refused = run("train", *NET, *data, "-train_cond_nets", 2, "-run_output_dir", os.path.join(tmp, "refused"))
    check(refused.returncode == 2 and "train_cond_nets" in refused.stderr, refused.returncode, refused.stderr)
    two = run("train", *NET, *data, "-train_steps", 6, "-run_output_dir", os.path.join(tmp, "two"), ranks=2)
    check(two.returncode == 0, "training on two ranks", two.stderr)
    model = os.path.join(whole, "model.h5")
    info = run("info", model)
    check("process         bridge" in info.stdout, info.stdout, info.stderr)
    scores = os.path.join(tmp, "scores")
    out = run("evaluate", "-data_files", pairs[2], "-evaluate_train_files", pairs[0], "-sr_model", model, "-sr_members", 2,
              "-sr_steps", 2, "-run_output_dir", scores, ranks=2)
    check(out.returncode == 0, out.stdout, out.stderr)
    with open(os.path.join(scores, "scores.json")) as f:
        s = json.load(f)
    check(s["pooled"]["all"]["u"]["bridge"]["rmse"] > 0 and s["pooled"]["all"]["u"]["regression"]["rmse"] > 0, s["pooled"])
    divergence = s["mean_abs_divergence_per_s"]
    check(s["pooled"]["all"]["u"]["projected"]["rmse"] > 0 and divergence["projected"] < 0.5 * divergence["interpolation"],
          "projected interpolation", s["pooled"]["all"], divergence)
    calibrated = os.path.join(tmp, "calibrated.h5")
    spread = []
    for use, more in ((model, ["-evaluate_calibrate", calibrated]), (calibrated, [])):
        out = run("evaluate", "-data_files", pairs[1], "-sr_model", use, "-sr_members", 4, "-sr_steps", 2, *more,
                  "-sr_projection", "false", "-run_output_dir", os.path.join(tmp, f"spread{len(spread)}"))
        check(out.returncode == 0, out.stdout, out.stderr)
        with open(os.path.join(tmp, f"spread{len(spread)}", "scores.json")) as f:
            spread.append(json.load(f)["pooled"]["all"]["u"]["bridge"]["spread_skill"])
    check(abs(spread[1] - 1) < 0.02 < abs(spread[0] - 1), "spread / skill before and after calibration", spread)
    bad = run("evaluate", "-data_files", pairs[2], "-sr_model", model, "-evaluate_calibrate", calibrated, "-run_output_dir",
              os.path.join(tmp, "bad"))
    check(bad.returncode == 3 and "split is test" in bad.stderr, "calibration on test files", bad.returncode, bad.stderr)
    cut = os.path.join(tmp, "cut.h5")
    with open(model, "rb") as f, open(cut, "wb") as g:
        g.write(f.read()[:5000])
    bad = run("evaluate", "-data_files", pairs[2], "-sr_model", cut, "-run_output_dir", os.path.join(tmp, "bad"))
    check(bad.returncode == 3 and "cut.h5" in bad.stderr, "truncated model", bad.returncode, bad.stderr)
finally:
    shutil.rmtree(tmp, ignore_errors=True)
print("passed")
