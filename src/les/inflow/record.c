/* Recording of inflow planes by a cyclic precursor. */
#include "inflow_internal.h"
#include "les_data.h"

struct WbLesRecorder_s {
  WbNc nc;
  double t_first_s, interval_s;
  int n_records, next;
  float *x, *y; /* this rank's part of the planes, NULL where it has none */
};

static PetscErrorCode define(WbLes les, const char *tag, WbLesRecorder r) {
  PetscFunctionBeginUser;
  const WbGrid *g = les->grid;
  WbNc nc = r->nc;
  PetscCall(wb_nc_def_dim(nc, "/", "record", r->n_records));
  PetscCall(wb_nc_def_dim(nc, "/", "plane", WB_INFLOW_PLANES));
  PetscCall(wb_nc_def_dim(nc, "/", "z", g->nz));
  PetscCall(wb_nc_def_dim(nc, "/", "y", g->ny));
  PetscCall(wb_nc_def_dim(nc, "/", "x", g->nx));
  PetscCall(wb_nc_def_dim(nc, "/", "zface", g->nz + 1));
  PetscCall(wb_nc_def_var(nc, "/", "zf", WB_NC_DOUBLE, "zface"));
  PetscCall(wb_nc_def_var(nc, "/", "planes_x", WB_NC_FLOAT, "record,plane,z,y"));
  PetscCall(wb_nc_def_var(nc, "/", "planes_y", WB_NC_FLOAT, "record,plane,z,x"));
  PetscCall(wb_nc_att_text(nc, "/", NULL, "title", "inflow planes of a cyclic precursor (windbridge)"));
  PetscCall(wb_nc_att_text(nc, "/", NULL, "planes",
                           "normal velocity on the face; tangential, w and theta - theta_reference_K, each in the cell "
                           "outside the low edge, then outside the high edge"));
  PetscCall(wb_nc_att_text(nc, "/", NULL, "tag", tag ? tag : ""));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "dx_m", g->dx_m));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "x_min_m", g->x_min_m));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "y_min_m", g->y_min_m));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "t_first_s", r->t_first_s));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "interval_s", r->interval_s));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "theta_reference_K", les->opt.theta_surface_K));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "wind_speed_m_per_s", les->opt.wind_speed_m_per_s));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "wind_direction_deg", les->opt.wind_direction_deg));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "wind_height_m", les->opt.wind_height_m));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "heat_flux_K_m_per_s", les->opt.heat_flux_K_m_per_s));
  const int start[1] = {0}, count[1] = {g->rank == 0 ? g->nz + 1 : 0};
  PetscCall(wb_nc_put(nc, "/", "zf", start, count, les->met.zf));
  PetscFunctionReturn(0);
}

static PetscErrorCode write_record(WbLes les, WbLesRecorder r) {
  PetscFunctionBeginUser;
  const WbGrid *g = les->grid;
  WB_LES_CALL(les, wb_les_extract_planes, r->x, r->y);
  const int x_start[4] = {r->next, 0, 0, g->y0}, y_start[4] = {r->next, 0, 0, g->x0};
  const int x_count[4] = {r->x ? 1 : 0, WB_INFLOW_PLANES, g->nz, g->nyl};
  const int y_count[4] = {r->y ? 1 : 0, WB_INFLOW_PLANES, g->nz, g->nxl};
  PetscCall(wb_nc_put(r->nc, "/", "planes_x", x_start, x_count, r->x));
  PetscCall(wb_nc_put(r->nc, "/", "planes_y", y_start, y_count, r->y));
  r->next++;
  PetscFunctionReturn(0);
}

static double record_time(WbLesRecorder r, int n) {
  return r->t_first_s + n * r->interval_s;
}

/* Called after every step while a recorder is set: writes when the next record's time is reached. */
PetscErrorCode wb_les_recorder_step(WbLes les) {
  PetscFunctionBeginUser;
  WbLesRecorder r = les->recorder;
  if (r->next < r->n_records && fabs(les->time_s - record_time(r, r->next)) <= 1e-6 * r->interval_s)
    PetscCall(write_record(les, r));
  PetscFunctionReturn(0);
}

static PetscErrorCode record(WbLes les, const char *path, const char *tag, WbLesRecorder r, WbLesMonitor monitor,
                             void *ctx) {
  PetscFunctionBeginUser;
  const WbGrid *g = les->grid;
  const size_t n = (size_t)WB_INFLOW_PLANES * (size_t)g->nz;
  if (g->ix == 0) PetscCall(WB_ALLOC(n * (size_t)g->nyl, &r->x));
  if (g->iy == 0) PetscCall(WB_ALLOC(n * (size_t)g->nxl, &r->y));
  PetscCall(wb_nc_create(g->comm, path, true, true, &r->nc));
  PetscCall(define(les, tag, r));
  PetscCall(write_record(les, r));
  les->recorder = r;
  while (r->next < r->n_records) {
    const int before = r->next;
    PetscCall(wb_les_advance(les, record_time(r, r->next), monitor, ctx));
    if (r->next == before)
      WB_RAISE_ALL(PETSC_ERR_PLIB, "inflow planes: record %d was missed at t = %g s", before, les->time_s);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_record_planes(WbLes les, const char *path, const char *tag, double interval_s, double t_end_s,
                                    WbLesMonitor monitor, void *ctx) {
  PetscFunctionBeginUser;
  if (!les->grid->periodic_x || !les->grid->periodic_y)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: inflow planes are recorded from a run that is cyclic in x and y", path);
  if (!(interval_s > 0) || !(t_end_s >= les->time_s))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: inflow planes every %g s until %g s cannot be recorded from t = %g s", path,
                 interval_s, t_end_s, les->time_s);
  struct WbLesRecorder_s r = {.t_first_s = les->time_s, .interval_s = interval_s};
  r.n_records = 1 + (int)ceil((t_end_s - les->time_s) / interval_s - 1e-6);
  PetscErrorCode ierr = record(les, path, tag, &r, monitor, ctx);
  les->recorder = NULL;
  if (r.nc) {
    if (ierr)
      (void)wb_nc_abort(&r.nc);
    else
      ierr = wb_nc_close(&r.nc);
  }
  WB_FREE(&r.x);
  WB_FREE(&r.y);
  PetscFunctionReturn(ierr);
}
