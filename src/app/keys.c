/* The table of keys: the deck's contract. Here run, city, sr, data, pairs, evaluate and bench; les and tracer stand in
 * keys_les.c, train in keys_train.c. */
#include <assert.h>

#include "keys.h"

static void sim_defaults(void *options) {
  wb_sim_options_default(options);
}
static void net_defaults(void *options) {
  wb_net_config_default(options);
}
const WbKeyStruct wb_app_city_keys = {sizeof(WbCityOptions), NULL};
const WbKeyStruct wb_app_sim_keys = {sizeof(WbSimOptions), sim_defaults};
const WbKeyStruct wb_app_output_keys = {sizeof(WbLesOutputOptions), NULL};
const WbKeyStruct wb_app_probe_keys = {sizeof(WbProbeKeys), NULL};
const WbKeyStruct wb_app_source_keys = {sizeof(WbSourceKeys), NULL};
const WbKeyStruct wb_app_sr_keys = {sizeof(WbSrOptions), NULL};
const WbKeyStruct wb_app_net_keys = {sizeof(WbNetConfig), net_defaults};
const WbKeyStruct wb_app_train_keys = {sizeof(WbTrainOptions), NULL};

static const WbKey run_keys[] = {
    /* ---- run ---- */
    PATH("run", "output_dir", "out", RUNS, "folder for all results, made when absent", .when = "!train_export_file",
         FREE),
    INT("run", "seed", "", "1", 0, 4294967295.0, "forecast,les,pairs,train,sr,evaluate",
        "seed of all random numbers but the city's"),
    BOOL("run", "restart", "false", "forecast,les,pairs,train,sr,evaluate",
         "continue the run in the output folder where it was stopped", .when = "!train_export_file", FREE),
    BOOL("run", "overwrite", "false", RUNS, "replace existing results in the output folder",
         .when = "!train_export_file", FREE),
    REAL("run", "walltime_s", "s", "0", 0, BIG, "forecast,les,pairs,train,sr",
         "stop with a checkpoint (exit code 75) after this wall time; 0: no limit", .when = "!train_export_file", FREE),
    REAL("run", "checkpoint_interval_s", "s", "600", 1, BIG, "forecast,les,pairs,train",
         "wall time between checkpoints", .when = "!train_export_file", FREE),
    REAL("run", "memory_limit_gb", "GB", "0", 0, 1e9, "forecast,les,train,sr",
         "refuse a run that needs more memory than this on all ranks together (see --check); 0: no limit",
         .when = "!train_export_file", FREE),
    TEXT("run", "start_time", "2026-08-01T12:00:00", "forecast,les,pairs,sr", "ISO time (UTC) of t = 0"),
    BOOL("run", "quiet", "false", RUNS ",bench", "print nothing on stdout (run.log keeps all)", FREE),
    /* ---- city ---- */
    PATH("city", "file", "", CITY,
         "building footprints (GeoJSON, GeoPackage, Shapefile) or height raster (GeoTIFF, netCDF); unset: generate",
         .member = CITY_KEY(file), .when = "!@bench/bench_what=les"),
    TEXT("city", "layer", "", CITY,
         "layer of a vector file, variable or band of a raster file; unset: the only one with heights",
         .member = CITY_KEY(layer), .when = "!@bench/bench_what=les city_file"),
    TEXT("city", "height_field", "", CITY, "attribute with the building height [m]; unset: look for the usual names",
         .member = CITY_KEY(height_field), .when = "!@bench/bench_what=les city_file"),
    CHOICE("city", "generate", "tokyo_like", "tokyo_like|flat", CITY, "synthetic city when city_file is unset",
           .member = CITY_KEY(generate), .when = "!@bench/bench_what=les !city_file"),
    INT("city", "seed", "", "1", 0, 4294967295.0, CITY, "seed of the synthetic city", .member = CITY_KEY(seed),
        .when = "!@bench/bench_what=les @pairs/!city_file @pairs/city_generate=tokyo_like"),
    REAL("city", "x_min_m", "m", "", -BIG, BIG, CITY, "west edge of the window, projected CRS of the file",
         .member = CITY_KEY(x_min_m),
         .when = "!@bench/bench_what=les !@bench/city_file @sr/!city_file/city_size_x_m/city_size_y_m"),
    REAL("city", "y_min_m", "m", "", -BIG, BIG, CITY, "south edge of the window", .member = CITY_KEY(y_min_m),
         .when = "!@bench/bench_what=les !@bench/city_file @sr/!city_file/city_size_x_m/city_size_y_m"),
    REAL("city", "size_x_m", "m", "", 80, 1e6, CITY,
         "window size, a multiple of 20 m; unset: all of the file, or 640 m for a synthetic city",
         .member = CITY_KEY(size_x_m), .when = "!@bench/bench_what=les !@bench/city_file"),
    REAL("city", "size_y_m", "m", "", 80, 1e6, CITY, "window size, a multiple of 20 m", .member = CITY_KEY(size_y_m),
         .when = "!@bench/bench_what=les !@bench/city_file"),
    TEXT("city", "null_height", "refuse", CITY,
         "buildings without a height (null, 0, -1, -9999), or a file without heights: refuse, drop, or a height in m",
         .member = CITY_KEY(null_height), .when = "!@bench/bench_what=les city_file"),
    CHOICE("city", "broken", "refuse", "refuse|drop", CITY, "features that cannot be read", .member = CITY_KEY(broken),
           .when = "!@bench/bench_what=les city_file"),
    CHOICE("city", "overhang", "refuse", "refuse|drop|ground", CITY,
           "features that begin above open air (min_height): refuse, leave out, or fill down to the ground",
           .member = CITY_KEY(overhang), .when = "!@bench/bench_what=les city_file"),
    BOOL("city", "open_outside", "false", CITY, "the window may reach beyond the data: open ground there",
         .member = CITY_KEY(open_outside), .when = "!@bench/bench_what=les city_file"),
};
const WbKeyRows wb_app_keys_run = {run_keys, sizeof run_keys / sizeof *run_keys};

static_assert(WB_NOISE_BASE == 0 && WB_NOISE_FOELLMER == 1 && WB_NOISE_NONE == 2, "choices stand in this order");
static const WbKey sr_keys[] = {
    /* ---- sr ---- */
    PATH("sr", "model", "", SR, "model file; unset: the shipped one", .member = SR_KEY(model_path),
         .when = "!@evaluate/!evaluate_forecast !@bench/bench_what=net|train|shot"),
    INT("sr", "members", "", "4", 1, 65535, "forecast,sr,evaluate", "ensemble members", .member = SR_KEY(members),
        .when = "!@evaluate/!evaluate_forecast", GROW),
    INT("sr", "steps", "", "3", 1, 10000, SR, "SDE steps = network evaluations a member and minute",
        .member = SR_KEY(steps), .when = "!@evaluate/!evaluate_forecast !@bench/bench_what=shot sr_sampler!=mean"),
    REAL("sr", "dx_m", "m", "5", 5, 5, SR ",pairs,les,city", "spacing of the super-resolved fields",
         .member = SR_KEY(dx_m), .when = "!@bench/bench_what=shot"),
    REAL("sr", "top_m", "m", "160", 20, 160, SR ",pairs,les,city", "height of the super-resolved layer",
         .member = SR_KEY(top_m), .when = "!@bench/bench_what=shot !@les/les_dx_m!=20"),
    CHOICE("sr", "sampler", "euler_maruyama",
           "euler_maruyama|stochastic_heun|exponential|flow_euler|flow_heun|flow_rk4|ddpm|ddim|i2sb_posterior|mean", SR,
           "stepper; those after exponential imply sr_noise", .member = SR_KEY(sampler),
           .when = "!@evaluate/!evaluate_forecast !@bench/bench_what=shot"),
    CHOICE("sr", "schedule", "model", "model|linear|quadratic|brownian|table", SR ",train",
           "interpolant; model: as the model was trained",
           .when = "!@evaluate/!evaluate_forecast !@bench/bench_what=shot"),
    CHOICE("sr", "noise", "base", "base|foellmer|none", SR,
           "diffusion g: Foellmer process, the interpolant's sigma, or none", .member = SR_KEY(noise),
           .when = "!@evaluate/!evaluate_forecast !@bench/bench_what=shot "
                   "sr_sampler=euler_maruyama|stochastic_heun|exponential"),
    REAL("sr", "noise_scale", "", "1", 1e-3, 10, SR, "factor of the diffusivity that sr_noise chooses",
         .member = SR_KEY(noise_scale),
         .when = "!@evaluate/!evaluate_forecast !@bench/bench_what=shot "
                 "sr_sampler=euler_maruyama|stochastic_heun|exponential|ddpm|i2sb_posterior sr_noise=base|foellmer"),
    REAL("sr", "grid_start_power", "", "0", 0, 8, SR,
         "times of the steps: above 1 they are denser near t = 0, where the large scales are decided; 0: the process's "
         "own",
         .member = SR_KEY(start_power),
         .when = "!@evaluate/!evaluate_forecast !@bench/bench_what=shot sr_sampler!=mean"),
    REAL("sr", "grid_end_power", "", "0", 0, 8, SR,
         "times of the steps: above 1 they are denser near t = 1; 0: the process's own", .member = SR_KEY(end_power),
         .when = "!@evaluate/!evaluate_forecast !@bench/bench_what=shot sr_sampler!=mean"),
    BOOL("sr", "antithetic", "true", "forecast,sr,evaluate",
         "members 2k and 2k + 1 take the same noise with opposite signs: the ensemble mean loses its sampling error",
         .member = SR_KEY(antithetic), .when = "!@evaluate/!evaluate_forecast sr_sampler!=mean"),
    BOOL("sr", "projection", "true", SR,
         "last step of a member: make its wind free of divergence and of flow through walls",
         .member = SR_KEY(projection), .when = "!@evaluate/!evaluate_forecast !@bench/bench_what=shot"),
    BOOL("sr", "write_theta", "false", "forecast,sr", "write potential temperature beside T into hr.nc"),
    INT("sr", "slabs", "", "0", 0, 4096, SR,
        "slabs of rows in which a rank evaluates the network, for less memory; 0: as many as run_memory_limit_gb "
        "needs",
        .member = SR_KEY(slabs), .when = "!@evaluate/!evaluate_forecast !@bench/bench_what=shot", FREE),
    CHOICE("sr", "backend", "auto", "auto|native|onednn|onednn_bf16|blas|ref", SR ",train",
           "convolution library; auto: onednn with AVX-512, else native; onednn_bf16: fp32 without AMX",
           .when = "!@evaluate/!evaluate_forecast !@bench/bench_what=net|train|shot !train_export_file"),
    /* ---- data ---- */
    LIST("data", "files", "train,evaluate", "pair files (wildcards allowed)", .when = "!evaluate_forecast"),
    /* ---- pairs ---- */
    CHOICE("pairs", "split", "train", "train|validation|test", "pairs", "what the pair file is for, written into it"),
    REAL("pairs", "drop_s", "s", "300", 0, 3600, "pairs", "first simulated time of the fine run that is not written"),
    TEXT("pairs", "name", "pair", "pairs", "name of the pair file in the output folder (without .nc)"),
};
const WbKeyRows wb_app_keys_sr = {sr_keys, sizeof sr_keys / sizeof *sr_keys};

static const WbKey last_keys[] = {
    /* ---- evaluate ---- */
    LIST("evaluate", "train_files", "evaluate", "training pair files on which the per-level regression is fitted"),
    PATH("evaluate", "regression", "", "evaluate", "stored regression (JSON) in place of evaluate_train_files",
         .when = "!evaluate_train_files"),
    PATH("evaluate", "forecast", "", "evaluate", "an hr.nc to score against evaluate_truth (instead of data_files)"),
    PATH("evaluate", "truth", "", "evaluate", "a 5 m simulation of the same window (truth.nc of les)"),
    REAL("evaluate", "from_s", "s", "0", 0, BIG, "evaluate",
         "with evaluate_forecast: leave out minutes that end before this time (the fine run's start)",
         .when = "evaluate_forecast"),
    PATH("evaluate", "calibrate", "", "evaluate",
         "also write a copy of the model whose members spread as much as their mean errs on these (validation) files",
         FREE),
    INT("evaluate", "bootstrap", "", "2000", 100, 1e6, "evaluate", "bootstrap resamples"),
    /* ---- bench ---- */
    CHOICE("bench", "what", "les", "les|poisson|net|train|halo|shot", "bench", "what is timed"),
    PATH("bench", "json", "", "bench", "also write the table as JSON to this file", FREE),
    INT("bench", "nx", "", "128", 16, 4096, "bench",
        "cells in x and y (5 m cells for net, train and shot; a multiple of 16)"),
    INT("bench", "nz", "", "64", 8, 1024, "bench", "levels (net, train and shot use 32)",
        .when = "bench_what=les|poisson"),
    REAL("bench", "seconds", "s", "5", 0.1, 3600, "bench", "time spent on each figure"),
};
const WbKeyRows wb_app_keys_last = {last_keys, sizeof last_keys / sizeof *last_keys};

/* One array for config, made when it is first asked for. */
const WbKey *wb_app_keys(int *n) {
  static WbKey all[512];
  static int n_all;
  const WbKeyRows *const parts[] = {&wb_app_keys_run, &wb_app_keys_les, &wb_app_keys_sr, &wb_app_keys_train,
                                    &wb_app_keys_last};
  for (size_t p = 0, first = n_all == 0; p < sizeof parts / sizeof *parts && first; p++)
    for (int i = 0; i < parts[p]->n && n_all < (int)(sizeof all / sizeof *all); i++) all[n_all++] = parts[p]->rows[i];
  *n = n_all;
  return all;
}
