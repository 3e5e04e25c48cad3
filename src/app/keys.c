/* The table of keys: the deck's contract (group, key, type, unit, default, range, commands, help). */
#include "app.h"

#define BIG 1e300
#define REAL(g, n, unit, def, lo, hi, cmds, help) \
  { g, n, WB_KEY_REAL, unit, def, lo, hi, NULL, cmds, help }
#define INT(g, n, unit, def, lo, hi, cmds, help) \
  { g, n, WB_KEY_INT, unit, def, lo, hi, NULL, cmds, help }
#define BOOL(g, n, def, cmds, help) \
  { g, n, WB_KEY_BOOL, "", def, 0, 1, NULL, cmds, help }
#define TEXT(g, n, def, cmds, help) \
  { g, n, WB_KEY_STRING, "", def, 0, 0, NULL, cmds, help }
#define PATH(g, n, def, cmds, help) \
  { g, n, WB_KEY_FILE, "", def, 0, 0, NULL, cmds, help }
#define CHOICE(g, n, def, choices, cmds, help) \
  { g, n, WB_KEY_CHOICE, "", def, 0, 0, choices, cmds, help }
#define NUMBERS(g, n, unit, lo, hi, cmds, help) \
  { g, n, WB_KEY_NUMBERS, unit, "", lo, hi, NULL, cmds, help }
#define LIST(g, n, cmds, help) \
  { g, n, WB_KEY_LIST, "", "", 0, 0, NULL, cmds, help }

#define RUNS "forecast,city,les,pairs,train,sr,evaluate,bench"
#define FLOW "forecast,les,pairs"
#define CITY "forecast,city,les,pairs,sr"
#define SR "forecast,sr,evaluate,bench"

const WbKey wb_app_keys[] = {
    /* ---- run ---- */
    PATH("run", "output_dir", "out", RUNS, "folder for all results, made when absent"),
    INT("run", "seed", "", "1", 0, 4294967295.0, RUNS, "seed of all random numbers but the city's"),
    BOOL("run", "restart", "false", "forecast,les,pairs,train", "continue from the checkpoint in the output folder"),
    BOOL("run", "overwrite", "false", RUNS, "replace existing results in the output folder"),
    REAL("run", "walltime_s", "s", "0", 0, BIG, "forecast,les,pairs,train",
         "stop with a checkpoint (exit code 75) after this wall time; 0: no limit"),
    REAL("run", "checkpoint_interval_s", "s", "600", 1, BIG, "forecast,les,pairs,train",
         "wall time between checkpoints"),
    TEXT("run", "start_time", "2026-08-01T12:00:00", "forecast,les,pairs,sr", "ISO time (UTC) of t = 0"),
    BOOL("run", "quiet", "false", RUNS, "print nothing on stdout (run.log keeps all)"),
    /* ---- city ---- */
    PATH("city", "file", "", CITY,
         "building footprints (GeoJSON, GeoPackage, Shapefile) or height raster (GeoTIFF, netCDF); unset: generate"),
    TEXT("city", "layer", "", CITY, "layer of a vector file or variable of a raster file; unset: the first"),
    TEXT("city", "height_field", "", CITY, "attribute with the building height [m]; unset: look for the usual names"),
    CHOICE("city", "generate", "tokyo_like", "tokyo_like|flat", CITY, "synthetic city when city_file is unset"),
    INT("city", "seed", "", "1", 0, 4294967295.0, CITY, "seed of the synthetic city"),
    REAL("city", "x_min_m", "m", "", -BIG, BIG, CITY, "west edge of the window, projected CRS of the file"),
    REAL("city", "y_min_m", "m", "", -BIG, BIG, CITY, "south edge of the window"),
    REAL("city", "size_x_m", "m", "", 80, 1e6, CITY,
         "window size, a multiple of 20 m; unset: all of the file, or 640 m for a synthetic city"),
    REAL("city", "size_y_m", "m", "", 80, 1e6, CITY, "window size, a multiple of 20 m"),
    TEXT("city", "null_height", "refuse", CITY, "buildings without a height: refuse, drop, or a height in m for them"),
    /* ---- les ---- */
    REAL("les", "dx_m", "m", "20", 0.5, 100, "forecast,les,bench",
         "horizontal spacing; les below 20 m starts from a 20 m run"),
    REAL("les", "top_m", "m", "500", 100, 5000, FLOW, "height of the domain's top"),
    REAL("les", "margin_m", "m", "160", 0, 5000, FLOW, "domain beyond the window on each side, a multiple of 20 m"),
    REAL("les", "rim_m", "m", "60", 0, 5000, FLOW,
         "outermost part of the margin kept free of buildings, a multiple of 20 m"),
    REAL("les", "duration_s", "s", "600", 1, BIG, FLOW, "simulated time after spin-up"),
    REAL("les", "spinup_s", "s", "1200", 0, BIG, FLOW, "simulated time before t = 0 (precursor and city each)"),
    REAL("les", "output_interval_s", "s", "60", 1, BIG, FLOW, "averaging and output interval"),
    REAL("les", "wind_speed_m_per_s", "m s-1", "5", 0.2, 40, FLOW, "wind speed at les_wind_height_m"),
    REAL("les", "wind_direction_deg", "deg", "180", 0, 360, FLOW,
         "direction from which the wind blows, clockwise from north"),
    REAL("les", "wind_height_m", "m", "100", 10, 5000, FLOW, "height at which wind speed and direction are given"),
    NUMBERS("les", "wind_table_time_s", "s", -BIG, BIG, FLOW,
            "times of a large-scale wind that changes, increasing; unset: les_wind_speed and les_wind_direction"),
    NUMBERS("les", "wind_table_speed_m_per_s", "m s-1", 0, 40, FLOW, "wind speed at these times, linear between them"),
    NUMBERS("les", "wind_table_direction_deg", "deg", 0, 360, FLOW,
            "wind direction at these times, the shorter way round between them"),
    CHOICE("les", "forcing", "wind_at_height", "wind_at_height|geostrophic", FLOW,
           "what the wind keys mean: the wind at les_wind_height_m, or the geostrophic wind (needs hours of spin-up)"),
    BOOL("les", "coriolis", "false", FLOW, "Coriolis force relative to the large-scale wind (on with geostrophic)"),
    REAL("les", "latitude_deg", "deg", "35.68", -90, 90, FLOW, "latitude, north positive: Coriolis force and sun"),
    NUMBERS("les", "tendency_height_m", "m", 0, 5000, FLOW,
            "heights of prescribed tendencies, increasing; linear between, constant beyond"),
    NUMBERS("les", "tendency_u_m_per_s2", "m s-2", -1, 1, FLOW, "prescribed acceleration to the east at these heights"),
    NUMBERS("les", "tendency_v_m_per_s2", "m s-2", -1, 1, FLOW, "prescribed acceleration to the north"),
    NUMBERS("les", "tendency_theta_K_per_s", "K s-1", -0.1, 0.1, FLOW, "prescribed heating (advection, radiation)"),
    REAL("les", "theta_surface_K", "K", "303", 200, 350, FLOW, "potential temperature near the ground"),
    REAL("les", "lapse_K_per_m", "K m-1", "0.003", -0.01, 0.1, FLOW, "initial d(theta)/dz above les_mixed_height_m"),
    REAL("les", "mixed_height_m", "m", "300", 0, 5000, FLOW, "initially neutral below this height"),
    REAL("les", "heat_flux_K_m_per_s", "K m s-1", "0.05", -0.2, 0.5, FLOW,
         "kinematic heat flux of ground and roofs; > 0 heats the air"),
    CHOICE("les", "ground", "log", "log|most", FLOW,
           "ground stress: log law, or Monin-Obukhov similarity with the ground's heat flux or temperature"),
    REAL("les", "ground_flux_K_m_per_s", "K m s-1", "", -0.2, 1, FLOW,
         "kinematic heat flux of the ground between buildings; unset: les_heat_flux_K_m_per_s"),
    REAL("les", "roof_flux_K_m_per_s", "K m s-1", "", -0.2, 1, FLOW, "the same of roofs"),
    REAL("les", "wall_flux_K_m_per_s", "K m s-1", "", -0.2, 1, FLOW, "the same of walls; unset: 0"),
    REAL("les", "ground_theta_K", "K", "", 200, 400, FLOW,
         "potential temperature of the ground at t = 0, in place of its heat flux"),
    REAL("les", "roof_theta_K", "K", "", 200, 400, FLOW, "the same of roofs"),
    REAL("les", "wall_theta_K", "K", "", 200, 400, FLOW, "the same of walls"),
    REAL("les", "surface_theta_rate_K_per_s", "K s-1", "0", -0.1, 0.1, FLOW, "change of these temperatures in time"),
    REAL("les", "z0_heat_ratio", "", "0.1", 1e-6, 1, FLOW, "roughness length for heat over that for momentum"),
    BOOL("les", "sun", "false", FLOW,
         "spread les_heat_flux over sunlit and shaded facets (its mean is kept); warm those of given temperature"),
    REAL("les", "longitude_deg", "deg", "0", -180, 180, FLOW,
         "longitude, east positive, for the sun; 0: run_start_time is local solar time"),
    REAL("les", "diffuse_fraction", "", "0.2", 0, 1, FLOW, "part of the sunlight that reaches shaded facets too"),
    REAL("les", "sun_warming_K", "K", "0", 0, 60, FLOW,
         "excess of a surface of given temperature that faces the sun (times the cosine of incidence)"),
    REAL("les", "z0_ground_m", "m", "0.1", 1e-5, 5, FLOW, "roughness length of the ground between buildings"),
    REAL("les", "z0_inflow_m", "m", "0.5", 1e-5, 5, FLOW, "roughness length of the flat precursor: the city upstream"),
    REAL("les", "z0_wall_m", "m", "0.05", 1e-5, 1, FLOW, "roughness length of roofs and walls"),
    CHOICE("les", "closure", "vreman", "vreman|smagorinsky|none", FLOW ",bench", "subgrid closure"),
    REAL("les", "upwind_fraction", "", "0.3", 0, 1, FLOW ",bench",
         "momentum advection: 0 central ... 1 dissipation of third-order upwind"),
    CHOICE("les", "precision", "fp32", "fp32|fp64", FLOW ",bench", "precision of the solver's state"),
    REAL("les", "cfl_max", "", "1.2", 0.05, 1.7, FLOW, "largest Courant number (sum over directions)"),
    REAL("les", "dt_max_s", "s", "5", 1e-6, 1e4, FLOW, "largest time step"),
    REAL("les", "tolerance", "", "0", 0, 1e-2, FLOW ",bench",
         "max|div| dx / U at the end of a step; 0: 1e-5 in fp32, 1e-8 in fp64"),
    REAL("les", "tolerance_stage", "", "1e-3", 1e-14, 0.1, FLOW ",bench",
         "the same, relative, in intermediate RK stages"),
    INT("les", "max_iterations", "", "200", 1, 100000, FLOW ",bench",
        "largest number of CG iterations of a pressure solve"),
    REAL("les", "plane_interval_s", "s", "2", 0.1, 10, FLOW, "interval of the precursor's inflow planes"),
    REAL("les", "hr_uniform_top_m", "m", "200", 160, 5000, "les,pairs",
         "uniform vertical spacing below this height in fine runs"),
    PATH("les", "input_file", "", "forecast,sr", "20 m fields to super-resolve in place of an own LES (an lr.nc)"),
    PATH("les", "inflow_file", "", "les",
         "inflow planes of an earlier forecast (its inflow.nc), to simulate the same weather"),
    /* ---- sr ---- */
    PATH("sr", "model", "", SR, "model file; unset: the shipped one"),
    INT("sr", "members", "", "4", 1, 65535, SR, "ensemble members"),
    INT("sr", "steps", "", "10", 1, 10000, SR, "SDE steps = network evaluations a member and minute"),
    REAL("sr", "dx_m", "m", "5", 5, 5, SR ",pairs", "spacing of the super-resolved fields"),
    REAL("sr", "top_m", "m", "160", 20, 160, SR ",pairs", "height of the super-resolved layer"),
    CHOICE("sr", "sampler", "euler_maruyama", "euler_maruyama", SR, "SDE stepper"),
    CHOICE("sr", "schedule", "model", "model|linear|quadratic", SR ",train",
           "interpolant; model: as the model was trained"),
    CHOICE("sr", "noise", "foellmer", "foellmer|base|none", SR,
           "diffusion g: Foellmer process, the interpolant's sigma, or none"),
    BOOL("sr", "write_theta", "false", "forecast,sr", "write potential temperature beside T into hr.nc"),
    CHOICE("sr", "backend", "onednn", "onednn|onednn_bf16|blas|ref", SR ",train",
           "convolution library; onednn_bf16 needs a CPU with AMX"),
    /* ---- data ---- */
    LIST("data", "files", "train,evaluate", "pair files (wildcards allowed)"),
    /* ---- pairs ---- */
    CHOICE("pairs", "split", "train", "train|validation|test", "pairs", "what the pair file is for, written into it"),
    REAL("pairs", "drop_s", "s", "300", 0, 3600, "pairs", "first simulated time of the fine run that is not written"),
    TEXT("pairs", "name", "pair", "pairs", "name of the pair file in the output folder (without .nc)"),
    /* ---- train ---- */
    INT("train", "steps", "", "2000", 1, 1e9, "train", "optimiser steps"),
    INT("train", "batch", "", "4", 1, 4096, "train", "samples a step, a multiple of the ranks"),
    REAL("train", "learning_rate", "", "1e-3", 1e-8, 1, "train", "peak learning rate (cosine schedule)"),
    REAL("train", "weight_decay", "", "1e-2", 0, 1, "train", "decoupled weight decay of AdamW"),
    REAL("train", "clip_norm", "", "1", 1e-6, BIG, "train", "gradient clipping by global norm"),
    REAL("train", "ema_decay", "", "0.998", 0, 0.999999, "train", "decay of the exponential moving average of weights"),
    INT("train", "warmup_steps", "", "100", 0, 1e9, "train", "steps of linear warm-up"),
    INT("train", "validate_every", "", "200", 1, 1e9, "train", "steps between validations"),
    BOOL("train", "augment", "true", "train", "use the 8 horizontal symmetries"),
    INT("train", "crop", "", "0", 0, 4096, "train",
        "train on random squares of so many 5 m cells, a multiple of 4; 0: whole windows"),
    REAL("train", "epsilon_factor", "", "1", 0.01, 10, "train", "noise amplitude as a multiple of std(x1 - x0)"),
    REAL("train", "t_power", "", "3", 0.1, 10, "train",
         "training times are u^t_power: above 1 there are more near t = 0, where only the condition tells the drift"),
    BOOL("train", "scale_by_wind", "true", "train", "velocities in units of the forcing's wind speed"),
    INT("train", "width1", "", "32", 16, 1024, "train,bench", "channels at 10 m"),
    INT("train", "width2", "", "64", 16, 2048, "train,bench", "channels at 20 m"),
    INT("train", "blocks1", "", "1", 0, 32, "train,bench", "residual blocks at 10 m on each side"),
    INT("train", "blocks2", "", "3", 0, 32, "train,bench", "residual blocks at 20 m"),
    /* ---- evaluate ---- */
    LIST("evaluate", "train_files", "evaluate", "training pair files on which the per-level regression is fitted"),
    PATH("evaluate", "regression", "", "evaluate", "stored regression (JSON) in place of evaluate_train_files"),
    PATH("evaluate", "forecast", "", "evaluate", "an hr.nc to score against evaluate_truth (instead of data_files)"),
    PATH("evaluate", "truth", "", "evaluate", "a 5 m simulation of the same window (truth.nc of les)"),
    INT("evaluate", "bootstrap", "", "2000", 100, 1e6, "evaluate", "bootstrap resamples"),
    /* ---- bench ---- */
    CHOICE("bench", "what", "les", "les|poisson|net|halo|shot", "bench", "what is timed"),
    PATH("bench", "json", "", "bench", "also write the table as JSON to this file"),
    INT("bench", "nx", "", "128", 16, 4096, "bench", "cells in x and y (5 m cells for net and shot; a multiple of 16)"),
    INT("bench", "nz", "", "64", 8, 1024, "bench", "levels (net and shot use 32)"),
    REAL("bench", "seconds", "s", "5", 0.1, 3600, "bench", "time spent on each figure"),
};
const int wb_app_n_keys = (int)(sizeof wb_app_keys / sizeof wb_app_keys[0]);
