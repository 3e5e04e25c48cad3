/* summary.json: machine-readable results of a run. */
#include "record.h"
#include "results.h"

#include <math.h>

void wb_summary_begin(const WbApp *app, cJSON **root) {
  *root = cJSON_CreateObject();
  wb_record_add(app, "done", *root);
}

void wb_summary_grid(cJSON *root, const char *name, const WbGrid *g) {
  cJSON *grid = cJSON_GetObjectItem(root, "grid");
  if (!grid) grid = cJSON_AddObjectToObject(root, "grid");
  cJSON *o = cJSON_AddObjectToObject(grid, name);
  cJSON_AddNumberToObject(o, "nx", g->nx);
  cJSON_AddNumberToObject(o, "ny", g->ny);
  cJSON_AddNumberToObject(o, "nz", g->nz);
  cJSON_AddNumberToObject(o, "dx_m", g->dx_m);
  cJSON_AddNumberToObject(o, "x_min_m", g->x_min_m);
  cJSON_AddNumberToObject(o, "y_min_m", g->y_min_m);
}

PetscErrorCode wb_summary_les(cJSON *root, const char *name, const WbLesSummary *s) {
  PetscFunctionBeginUser;
  cJSON *o = cJSON_AddObjectToObject(root, name);
  cJSON_AddNumberToObject(o, "steps", (double)s->steps);
  cJSON_AddNumberToObject(o, "cell_steps", s->cell_steps);
  cJSON_AddNumberToObject(o, "wall_s", s->wall_s);
  cJSON_AddNumberToObject(o, "cell_steps_per_s", s->wall_s > 0 ? s->cell_steps / s->wall_s : 0);
  cJSON_AddNumberToObject(o, "poisson_iterations_mean", s->poisson_iterations_mean);
  cJSON_AddNumberToObject(o, "max_divergence_per_s", s->max_divergence_per_s);
  cJSON_AddNumberToObject(o, "max_divergence_scaled", s->max_divergence_scaled);
  cJSON_AddNumberToObject(o, "u_star_m_per_s", s->u_star_m_per_s);
  cJSON_AddNumberToObject(o, "dt_s", s->dt_s);
  cJSON_AddNumberToObject(o, "max_speed_m_per_s", s->max_speed_m_per_s);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_summary_write(WbApp *app, cJSON **root) {
  PetscFunctionBeginUser;
  cJSON *timers = cJSON_AddObjectToObject(*root, "timers_s");
  cJSON_AddNumberToObject(timers, "total", wb_wtime() - app->t_start);
  for (int i = 0; i < wb_timer_count(); i++) cJSON_AddNumberToObject(timers, wb_timer_name(i), wb_timer_seconds(i));
  double mine = wb_memory_peak_bytes(), most = 0;
  PetscCallMPI(MPI_Allreduce(&mine, &most, 1, MPI_DOUBLE, MPI_MAX, app->comm));
  cJSON_AddNumberToObject(*root, "memory_peak_per_rank_bytes", most);
  if (app->planned_bytes > 0) cJSON_AddNumberToObject(*root, "memory_planned_per_rank_bytes", app->planned_bytes);
  const WbHaloTotals halos = wb_halo_totals();
  double sent[3] = {halos.exchanges, halos.messages, halos.bytes};
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sent, 3, MPI_DOUBLE, MPI_MAX, app->comm));
  cJSON *halo = cJSON_AddObjectToObject(*root, "halo_per_rank"); /* the most of any rank */
  cJSON_AddNumberToObject(halo, "exchanges", sent[0]);
  cJSON_AddNumberToObject(halo, "messages", sent[1]);
  cJSON_AddNumberToObject(halo, "bytes", sent[2]);
  char *text = cJSON_Print(*root), path[1024];
  wb_app_path(app, "summary.json", path);
  const PetscErrorCode ierr = wb_file_write_text(app->comm, path, text);
  cJSON_free(text);
  cJSON_Delete(*root);
  *root = NULL;
  PetscFunctionReturn(ierr);
}
