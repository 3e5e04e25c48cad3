"""Boundary values for `les_inflow: file` in other ways of saying the same, and some that cannot be right: the same lr.nc or a refusal.
WB_FUZZ_N: how many."""
import numpy as np

from _attack import Attack
from _rewrite import Data, Var


def base():
    """Four entries along every axis, so that no mix-up shows by its shape: a wind that differs in all directions and in time, around a flat domain of 80 x 80 m with a margin of 60 m."""
    t, z, y, x = np.meshgrid([0.0, 60, 120, 180], [10.0, 50, 150, 600], [-80.0, 0, 80, 160], [-90.0, 20, 110, 180], indexing="ij")
    field = {"u": 3 + 0.008 * z + 0.004 * y + 0.003 * t, "v": 1 + 0.004 * x, "theta": 303 + 0.002 * z + 0.001 * y}
    standard = {"u": ("x_wind", "m s-1"), "v": ("y_wind", "m s-1"), "theta": ("air_potential_temperature", "K")}
    v = {"time": Var(("time",), t[:, 0, 0, 0], units="s", standard_name="time", axis="T"),
         "z": Var(("z",), z[0, :, 0, 0], units="m", standard_name="height", axis="Z", positive="up"),
         "y": Var(("y",), y[0, 0, :, 0], units="m", standard_name="projection_y_coordinate", axis="Y"),
         "x": Var(("x",), x[0, 0, 0, :], units="m", standard_name="projection_x_coordinate", axis="X")}
    for name, values in field.items():
        v[name] = Var(("time", "z", "y", "x"), values.astype("f4"), standard_name=standard[name][0], units=standard[name][1])
    return Data(v)


def main():
    flat = ["-city_generate", "flat", "-city_size_x_m", 80, "-city_size_y_m", 80, "-les_margin_m", 60, "-les_rim_m", 0, "-les_top_m", 200,
            "-les_duration_s", 20, "-les_spinup_s", 20, "-les_output_interval_s", 20, "-les_inflow", "file", "-les_inflow_length_m", 100]

    def command(path):
        return ["les", *flat, "-les_boundary_file", path]

    # Positions of boundary values are free (they are interpolated), so a shifted or uneven axis means another field.
    import _rewrite
    for change in (_rewrite.shift_axis, _rewrite.stagger_one, _rewrite.uneven):
        _rewrite.BREAK.remove(change)
    attack = Attack(base(), command, "lr.nc", ["theta", "u", "v", "w"], {"*": 0.02}, 90)
    attack.go(["transpose", "flip", "units", "units_axis", "pack", "dtype", "rename_axis", "extra_variable"])


main()
