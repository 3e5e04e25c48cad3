"""A 20 m file for `windbridge sr` in a few hundred other ways of saying the same, and some that cannot be right: the same hr.nc or a
refusal. WB_FUZZ_N: how many."""
import json
import os
import tempfile

import numpy as np

from _attack import Attack
from _rewrite import Data, Var

X0, Y0, NX, NY, NZ, NT = 500000.0, 5400000.0, 4, 4, 4, 4  # equal lengths: no mix-up shows by its shape
BOXES = [(20, 20, 40, 60, 40), (60, 60, 80, 80, 20)]  # x, y from and to, height [m]


def city(path):
    rings = [[[X0 + x, Y0 + y] for x, y in ((a, b), (c, b), (c, d), (a, d), (a, b))] for a, b, c, d, _ in BOXES]
    features = [{"type": "Feature", "properties": {"height": box[4]}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
                for box, ring in zip(BOXES, rings)]
    with open(path, "w") as f:
        json.dump({"type": "FeatureCollection", "features": features,
                   "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32632"}}}, f)


def base():
    """Fields without any symmetry, so that every mix-up shows."""
    t, z, y, x = np.meshgrid(np.arange(NT), 10 + 20.0 * np.arange(NZ), 10 + 20.0 * np.arange(NY), 10 + 20.0 * np.arange(NX), indexing="ij")
    air = np.ones((NZ, NY, NX))
    for a, b, c, d, h in BOXES:
        air[:h // 20, b // 20:d // 20, a // 20:c // 20] = 0
    solid = np.where(air > 0, 0.0, np.nan)
    field = {"u": 2 + 0.02 * x + 0.01 * z + 0.3 * t, "v": 1 + 0.01 * y - 0.004 * z, "w": 0.3 * np.sin(x / 50) + 0.002 * y,
             "theta": 303 + 0.004 * z + 0.002 * x + 0.1 * t}
    standard = {"u": ("x_wind", "m s-1"), "v": ("y_wind", "m s-1"), "w": ("upward_air_velocity", "m s-1"),
                "theta": ("air_potential_temperature", "K")}
    v = {"time": Var(("time",), 60.0 * np.arange(1, NT + 1), units="seconds since 2026-01-05 00:00:00", calendar="proleptic_gregorian",
                     standard_name="time", axis="T", bounds="time_bnds"),
         "time_bnds": Var(("time", "nv"), [[60.0 * i, 60.0 * (i + 1)] for i in range(NT)]),
         "z": Var(("z",), z[0, :, 0, 0], units="m", standard_name="height", axis="Z", positive="up"),
         "y": Var(("y",), Y0 + y[0, 0, :, 0], units="m", standard_name="projection_y_coordinate", axis="Y"),
         "x": Var(("x",), X0 + x[0, 0, 0, :], units="m", standard_name="projection_x_coordinate", axis="X")}
    for name, values in field.items():
        v[name] = Var(("time", "z", "y", "x"), (values + solid).astype("f4"), standard_name=standard[name][0], units=standard[name][1],
                      cell_methods="time: mean")
    v["fluid_mask"] = Var(("z", "y", "x"), air.astype("i1"), units="1")
    return Data(v, dict(wind_speed_m_per_s=4.5, wind_direction_deg=250.0, theta_surface_K=303.0, lapse_K_per_m=0.003,
                        mixed_height_m=300.0, heat_flux_K_m_per_s=0.06))


def main():
    with tempfile.TemporaryDirectory() as tmp:
        buildings = os.path.join(tmp, "city.geojson")
        city(buildings)

        def command(path):
            return ["sr", "-city_file", buildings, "-les_input_file", path, "-sr_members", 1, "-sr_sampler", "mean", "-sr_top_m", 40]

        # Packing into 16 bits and single-precision units leave 1e-4 of a field's range; every mix-up leaves more.
        attack = Attack(base(), command, "hr.nc", ["T", "u", "v", "w", "x", "y", "z", "time"],
                        {"*": 0.01, "x": 0.01, "y": 0.51, "time": 0.01}, 90,
                        {"time": 60.0 * np.arange(1, NT + 1), "x": X0 + 2.5 + 5 * np.arange(4 * NX), "y": Y0 + 2.5 + 5 * np.arange(4 * NY)})
        attack.go(["transpose", "flip", "units", "pack", "missing", "dtype", "rename_axis", "time_units", "extra_variable"])


main()
