/* windbridge info [FILE]: describes this build, or a deck, a model file, a pair file or a result. */
#include <stdio.h>
#include <string.h>

#include <hdf5.h>
#include <petscversion.h>

#include "results.h"

static bool ends_with(const char *text, const char *end) {
  const size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

static void print_build(const WbApp *app) {
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  unsigned major = 0, minor = 0, release = 0;
  MPI_Get_library_version(mpi, &length);
  mpi[strcspn(mpi, ",\n")] = '\0';
  H5get_libversion(&major, &minor, &release);
  printf(
      "windbridge %s (%s)\n  ranks           %d\n  MPI             %s\n  PETSc           %d.%d.%d\n"
      "  HDF5            %u.%u.%u (parallel)\n  compiler        %s\n  default model   %s\n",
      wb_version(), wb_git_version(), app->size, mpi, PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR, PETSC_VERSION_SUBMINOR,
      major, minor, release, __VERSION__, wb_app_default_model());
}

static PetscErrorCode describe_model(WbApp *app, const char *path) {
  PetscFunctionBeginUser;
  WbModel model = NULL;
  static WbModelMeta meta; /* 8 kB of provenance: not on the stack */
  PetscCall(wb_model_read(app->comm, path, &model, &meta));
  const WbNetConfig *c = wb_model_config(model);
  if (app->rank == 0) {
    printf(
        "%s: model\n  process         %s, schedule %s, target %s\n  parameters      %zu in %d tensors\n"
        "  mean networks   %d; widths %d (10 m), %d (20 m); blocks %d, %d; %d static inputs\n"
        "  step            widths %d (10 m), %d (20 m); blocks %d, %d; %d inputs\n"
        "  epsilon         theta %g, u %g, v %g, w %g (normalised units)\n"
        "  spread          theta %g, u %g, v %g, w %g (factors of members' departures from the mean)\n"
        "  noise           %g, %g, %g, %g, %g of the variance on cells 1, 2, 4, 8, 16 times as wide\n"
        "  scales          theta %g K, u %g, v %g, w %g%s\n  provenance      %s\n",
        path, meta.process, meta.schedule, meta.target, wb_model_size(model), wb_model_tensors(model), c->cond_nets,
        c->cond_width1, c->cond_width2, c->cond_blocks1, c->cond_blocks2, c->in_static, c->width1, c->width2,
        c->blocks1, c->blocks2, c->in_dynamic, meta.epsilon[0], meta.epsilon[1], meta.epsilon[2], meta.epsilon[3],
        meta.spread[0], meta.spread[1], meta.spread[2], meta.spread[3], meta.noise[0], meta.noise[1], meta.noise[2],
        meta.noise[3], meta.noise[4], meta.scale[0], meta.scale[1], meta.scale[2], meta.scale[3],
        meta.scale_by_wind ? " of the wind speed" : " m s-1", meta.training_json);
  }
  wb_model_destroy(&model);
  PetscFunctionReturn(0);
}

static PetscErrorCode describe_pair(WbApp *app, const char *path) {
  PetscFunctionBeginUser;
  WbPairInfo p;
  PetscCall(wb_pair_inspect(app->comm, path, &p));
  if (app->rank == 0)
    printf(
        "%s: pair file, split %s\n  city            %s (seed %u)\n  minutes         %d\n"
        "  grids           %d x %d x %d at %g m, ratio %d\n"
        "  forcing         %g m/s from %g deg, heat flux %g K m/s, theta %g K, lapse %g K/m above %g m\n",
        path, p.split, p.city, p.city_seed, p.n_time, p.nx_hr, p.ny_hr, p.nz_hr, p.dx_hr_m, p.ratio,
        p.wind_speed_m_per_s, p.wind_direction_deg, p.heat_flux, p.theta_surface_K, p.lapse_K_per_m, p.mixed_height_m);
  PetscFunctionReturn(0);
}

static PetscErrorCode describe_result(WbApp *app, const char *path) {
  PetscFunctionBeginUser;
  WbNc nc = NULL;
  PetscCall(wb_nc_open(app->comm, path, &nc));
  static const char *const names[] = {"T", "theta", "u", "v", "w", "fluid_mask", "lr_valid_mask", "building_height"};
  if (app->rank == 0) printf("%s: result file\n", path);
  for (int i = 0; i < 8; i++) {
    bool has = false;
    int rank = 0, dims[8];
    PetscCall(wb_nc_has(nc, "/", names[i], &has));
    if (!has) continue;
    PetscCall(wb_nc_inq_dims(nc, "/", names[i], &rank, dims));
    if (app->rank == 0) {
      printf("  %-15s", names[i]);
      for (int d = 0; d < rank; d++) printf("%s%d", d ? " x " : " ", dims[d]);
      printf("\n");
    }
  }
  static const char *const texts[] = {"title", "source", "history"};
  for (int i = 0; i < 3; i++) {
    bool has = false;
    char text[1024];
    PetscCall(wb_nc_get_att_text(nc, "/", NULL, texts[i], &has, text, sizeof text));
    if (has && app->rank == 0) printf("  %-15s %s\n", texts[i], text);
  }
  PetscCall(wb_nc_close(&nc));
  PetscFunctionReturn(0);
}

static PetscErrorCode describe_deck(WbApp *app, const char *path) {
  PetscFunctionBeginUser;
  WbConfig c = NULL;
  int n_keys = 0;
  const WbKey *keys = wb_app_keys(&n_keys);
  PetscErrorCode ierr = wb_config_create(app->comm, keys, n_keys, NULL, path, 0, NULL, &c);
  if (!ierr && app->rank == 0) {
    printf("%s: deck; keys it sets:\n", path);
    for (int i = 0; i < n_keys; i++) {
      const WbKey *k = &keys[i];
      if (strcmp(wb_config_where(c, k->group, k->name), "default") == 0) continue;
      const char *text = wb_config_text(c, k->group, k->name);
      printf("  %-10s %-24s %s %s\n", k->group, k->name, text ? text : "(list)", k->unit);
    }
  }
  wb_config_destroy(&c);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode describe_hdf5(WbApp *app, const char *path) {
  PetscFunctionBeginUser;
  WbNc nc = NULL;
  bool pair = false, result = false;
  PetscCall(wb_nc_open(app->comm, path, &nc));
  PetscCall(wb_nc_has(nc, "/hr", "theta", &pair));
  PetscCall(wb_nc_has(nc, "/", "fluid_mask", &result));
  PetscCall(wb_nc_close(&nc));
  if (pair)
    PetscCall(describe_pair(app, path));
  else if (result)
    PetscCall(describe_result(app, path));
  else
    PetscCall(describe_model(app, path));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_info(WbApp *app) {
  PetscFunctionBeginUser;
  if (!app->deck) {
    if (app->rank == 0) print_build(app);
  } else if (ends_with(app->deck, ".yaml") || ends_with(app->deck, ".yml")) {
    PetscCall(describe_deck(app, app->deck));
  } else {
    PetscCall(describe_hdf5(app, app->deck));
  }
  PetscFunctionReturn(0);
}
