/* What the trainer writes: loss.csv, checkpoint.h5, model files with their provenance; and resuming. */
#include "train_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNATURE = 32 };

static const char csv_header[] =
    "step,loss,loss_mean,validation,validation_mean,learning_rate,grad_norm,samples_per_s\n";

static void output_path(const WbTrainer *t, const char *name, char path[1100]) {
  snprintf(path, 1100, "%s/%s", t->options->output_dir, name);
}

/* Rows of an older loss.csv up to the step that the run goes on from; text malloc'ed, NULL when there are none. */
static char *earlier_rows(const char *path, long last_step) {
  FILE *f = fopen(path, "r");
  if (!f) return NULL;
  char *text = NULL, row[512];
  size_t used = 0;
  while (fgets(row, sizeof(row), f)) {
    const long step = strtol(row, NULL, 10);
    if (step < 1 || step > last_step || !strchr(row, '\n')) continue;
    const size_t n = strlen(row);
    char *more = realloc(text, used + n + 1);
    if (!more) break;
    text = more;
    memcpy(text + used, row, n + 1);
    used += n;
  }
  fclose(f);
  return text;
}

static PetscErrorCode open_csv_here(WbTrainer *t, const char *path) {
  PetscFunctionBeginUser;
  char *rows = t->step > 0 ? earlier_rows(path, t->step) : NULL;
  t->csv = fopen(path, "w");
  if (!t->csv) {
    free(rows);
    WB_RAISE(WB_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
  }
  fputs(csv_header, t->csv);
  if (rows) fputs(rows, t->csv);
  fflush(t->csv);
  free(rows);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_trainer_open_csv(WbTrainer *t) {
  char path[1100];
  PetscFunctionBeginUser;
  output_path(t, "loss.csv", path);
  PetscCall(wb_error_agree(t->comm, t->rank == 0 ? open_csv_here(t, path) : 0));
  PetscFunctionReturn(0);
}

void wb_trainer_write_csv(WbTrainer *t, bool validated) {
  if (!t->csv) return;
  fprintf(t->csv, "%ld,%.9g,%.9g,", t->step, t->loss, t->loss_mean);
  if (validated) fprintf(t->csv, "%.9g,%.9g", t->validation, t->validation_mean);
  if (!validated) fputc(',', t->csv);
  fprintf(t->csv, ",%.6g,%.6g,%.4g\n", t->lr, t->grad_norm, t->samples_per_s);
  fflush(t->csv);
}

void wb_trainer_swap_ema(WbTrainer *t, bool in) {
  const size_t bytes = wb_model_size(t->model) * sizeof(float);
  float *params = wb_model_params(t->model);
  if (in) {
    memcpy(t->keep, params, bytes);
    memcpy(params, wb_adamw_state(t->opt, 2), bytes);
  } else {
    memcpy(params, t->keep, bytes);
  }
}

/* ---- provenance ---- */
typedef struct {
  char *text;
  size_t used, max;
} Text;

/* Appends only when it fits whole. */
static bool append(Text *x, const char *piece) {
  const size_t n = strlen(piece);
  if (x->used + n + 1 > x->max) return false;
  memcpy(x->text + x->used, piece, n + 1);
  x->used += n;
  return true;
}

/* JSON string of s with quotes; out is cut off at max. */
static void quote(const char *s, char *out, size_t max) {
  size_t n = 0;
  out[n++] = '"';
  for (; *s && n + 8 < max; s++) {
    const unsigned char c = (unsigned char)*s;
    if (c == '"' || c == '\\') {
      out[n++] = '\\';
      out[n++] = (char)c;
    } else if (c == '\n') {
      out[n++] = '\\';
      out[n++] = 'n';
    } else if (c < 0x20) {
      out[n++] = ' ';
    } else {
      out[n++] = (char)c;
    }
  }
  out[n++] = '"';
  out[n] = '\0';
}

/* Files with city seed and forcing, and the deck; what does not fit in the 8 kB is counted, not cut. */
static void provenance(const WbTrainer *t, char *out, size_t max) {
  const WbTrainOptions *o = t->options;
  char piece[4400], name[400];
  int left_out = 0;
  Text x = {out, 0, max - 64}; /* room for the end */
  snprintf(piece, sizeof(piece),
           "{\"program\":\"windbridge %s (%s)\",\"steps\":%ld,\"batch\":%d,\"crop\":%d,\"seed\":%u,\"loss\":%.6g,"
           "\"validation_loss\":%.6g,\"learning_rate\":%.6g,"
           "\"ema_decay\":%.6g,\"draws\":%d,\"train_minutes\":%d,\"validation_minutes\":%d,\"parameters\":%zu",
           wb_version(), wb_git_version(), t->step, o->batch, o->crop, o->seed, isfinite(t->loss) ? t->loss : -1.0,
           isfinite(t->validation) ? t->validation : -1.0, o->lr, o->ema_decay, o->draws, t->set->n_train,
           t->set->n_validation, wb_model_size(t->model));
  append(&x, piece);
  if (o->deck_yaml && strlen(o->deck_yaml) < 3000) {
    char deck[4200];
    quote(o->deck_yaml, deck, sizeof(deck));
    snprintf(piece, sizeof(piece), ",\"deck\":%s", deck);
    append(&x, piece);
  }
  append(&x,
         ",\"pairs_columns\":[\"file\",\"split\",\"city_seed\",\"wind_m_per_s\",\"direction_deg\",\"heat_flux\"],"
         "\"pairs\":[");
  for (int r = 0; r < t->set->n_runs; r++) {
    const WbPairInfo *i = &t->set->runs[r]->info;
    const char *base = strrchr(i->path, '/');
    quote(base ? base + 1 : i->path, name, sizeof(name));
    snprintf(piece, sizeof(piece), "%s[%s,\"%c\",%u,%.4g,%.4g,%.4g]", r ? "," : "", name, i->split[0], i->city_seed,
             i->wind_speed_m_per_s, i->wind_direction_deg, i->heat_flux);
    if (left_out || !append(&x, piece)) left_out++;
  }
  snprintf(piece, sizeof(piece), "],\"pairs_not_listed\":%d}", left_out);
  x.max = max;
  append(&x, piece);
}

static void store_table(const WbPathTable *table, WbModelTable *out) {
  const size_t bytes = (size_t)table->n * sizeof(double);
  out->n = table->n;
  out->has_diffusivity = table->diffusivity != NULL;
  if (table->n == 0) return;
  memcpy(out->t, table->t, bytes);
  memcpy(out->alpha, table->alpha, bytes);
  memcpy(out->beta, table->beta, bytes);
  memcpy(out->noise, table->noise, bytes);
  if (out->has_diffusivity) memcpy(out->diffusivity, table->diffusivity, bytes);
}

PetscErrorCode wb_trainer_write_model(WbTrainer *t, const char *name) {
  char path[1100];
  WbModelMeta meta;
  PetscFunctionBeginUser;
  memset(&meta, 0, sizeof(meta));
  snprintf(meta.process, sizeof(meta.process), "%s", wb_process_name(t->options->process));
  snprintf(meta.schedule, sizeof(meta.schedule), "%s", wb_schedule_name(t->options->schedule));
  snprintf(meta.target, sizeof(meta.target), "preconditioned");
  for (int c = 0; c < WB_CHANNELS; c++) {
    meta.epsilon[c] = t->set->epsilon[c];
    meta.scale[c] = t->set->norm.scale[c];
    meta.residual[c] = t->set->residual[c];
    meta.spread[c] = 1.0f;
  }
  memcpy(meta.noise, t->options->noise, sizeof meta.noise);
  store_table(&t->options->table, &meta.table);
  meta.scale_by_wind = t->set->norm.scale_by_wind;
  meta.canonical_wind = t->options->symmetry == WB_SYMMETRY_CANONICAL;
  provenance(t, meta.training_json, sizeof(meta.training_json));
  output_path(t, name, path);
  wb_trainer_swap_ema(t, true);
  const PetscErrorCode e = wb_model_write(t->comm, path, t->model, &meta);
  wb_trainer_swap_ema(t, false);
  PetscFunctionReturn(e);
}

/* ---- checkpoint ---- */
static const char *const arrays[4] = {"train_weights", "train_m", "train_v", "train_ema"};

static float *array_of(WbTrainer *t, int a) {
  return a == 0 ? wb_model_params(t->model) : wb_adamw_state(t->opt, a - 1);
}

static uint64_t mix(uint64_t h, size_t n, const double *values) {
  for (size_t i = 0; i < n; i++) {
    const double value = values[i] + 0.0; /* -0 is 0 */
    h = wb_hash(h, &value, sizeof value);
  }
  return h;
}

static uint64_t mix_table(uint64_t h, const WbPathTable *t) {
  const double *const columns[] = {t->t, t->alpha, t->beta, t->noise, t->diffusivity};
  const double n = t->n, has = t->diffusivity != NULL;
  h = mix(mix(h, 1, &n), 1, &has);
  for (size_t c = 0; c < sizeof columns / sizeof columns[0] && t->n > 0; c++)
    if (columns[c]) h = mix(h, (size_t)t->n, columns[c]);
  return h;
}

/* What must be the same when a run goes on, as one number. Steps, learning rate and intervals may change. */
static void signature(const WbTrainer *t, char text[SIGNATURE]) {
  const WbTrainOptions *o = t->options;
  const WbNetConfig *n = &o->net;
  const double whole[] = {o->seed,          o->batch,        o->draws,        t->size,      o->space_ranks,
                          t->set->n,        o->symmetry,     t->set->n_train, o->process,   o->schedule,
                          o->scale_by_wind, o->mirror,       n->in_dynamic,   n->in_static, n->out,
                          n->width1,        n->width2,       n->blocks1,      n->blocks2,   n->cond_width1,
                          n->cond_width2,   n->cond_blocks1, n->cond_blocks2, n->embed,     n->cond_nets};
  const double real[] = {o->t_power, o->residual_deviation, o->dropout, o->weight_decay, o->ema_decay};
  uint64_t h = mix(WB_HASH_START, sizeof whole / sizeof whole[0], whole);
  h = mix(h, sizeof real / sizeof real[0], real);
  h = mix(h, WB_CHANNELS, o->epsilon_factor);
  h = mix(h, WB_CHANNELS, o->loss_weights);
  for (int l = 0; l < WB_NOISE_SCALES; l++) {
    const double share = (double)o->noise[l];
    h = mix(h, 1, &share);
  }
  for (int c = 0; c < WB_CHANNELS; c++) {
    const double scale = (double)t->set->norm.scale[c];
    h = mix(h, 1, &scale);
  }
  snprintf(text, SIGNATURE, "fnv1a %016llx", (unsigned long long)mix_table(h, &o->table));
}

static PetscErrorCode put_all(WbTrainer *t, WbCheckpoint ck) {
  const int dims[1] = {(int)wb_model_size(t->model)}, start[1] = {0}, count[1] = {t->rank == 0 ? dims[0] : 0};
  char text[SIGNATURE];
  PetscFunctionBeginUser;
  for (int a = 0; a < 4; a++) {
    PetscCall(wb_checkpoint_put(ck, arrays[a], WB_FP32, 1, dims, start, count, array_of(t, a)));
  }
  signature(t, text);
  PetscCall(wb_checkpoint_put_text(ck, "train_options", text));
  PetscCall(wb_checkpoint_put_real(ck, "train_step", (double)t->step));
  PetscCall(wb_checkpoint_put_real(ck, "train_loss", t->loss));
  PetscCall(wb_checkpoint_put_real(ck, "train_validation", t->validation));
  PetscCall(wb_checkpoint_put_real(ck, "train_best", t->best));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_trainer_save(WbTrainer *t) {
  char path[1100];
  WbCheckpoint ck = NULL;
  PetscFunctionBeginUser;
  output_path(t, "checkpoint.h5", path);
  PetscCall(wb_checkpoint_create(t->comm, path, &ck));
  const PetscErrorCode e = put_all(t, ck);
  if (e) {
    PetscCall(wb_checkpoint_abort(&ck));
    PetscFunctionReturn(e);
  }
  PetscCall(wb_checkpoint_close(&ck));
  PetscCall(wb_trainer_write_model(t, "model.h5"));
  t->last_checkpoint_s = wb_wtime();
  t->saved_step = t->step;
  PetscFunctionReturn(0);
}

static PetscErrorCode get_all(WbTrainer *t, const char *path, WbCheckpoint ck) {
  const int dims[1] = {(int)wb_model_size(t->model)}, start[1] = {0};
  char want[SIGNATURE], found[SIGNATURE] = "";
  double step = 0.0;
  bool has = false;
  PetscFunctionBeginUser;
  PetscCall(wb_checkpoint_has(ck, "train_options", &has));
  if (!has) WB_RAISE_ALL(WB_ERR_INPUT, "%s: is not the checkpoint of a training", path);
  PetscCall(wb_checkpoint_get_text(ck, "train_options", found, (int)sizeof(found)));
  signature(t, want);
  if (strcmp(want, found) != 0) {
    WB_RAISE_ALL(
        WB_ERR_CONFIG,
        "%s: was made with other options or on another number of ranks; only steps, learning rate and intervals "
        "may change, restore the rest or begin anew",
        path);
  }
  for (int a = 0; a < 4; a++) {
    PetscCall(wb_checkpoint_get(ck, arrays[a], WB_FP32, 1, dims, start, dims, array_of(t, a)));
  }
  PetscCall(wb_checkpoint_get_real(ck, "train_step", &step));
  PetscCall(wb_checkpoint_get_real(ck, "train_loss", &t->loss));
  PetscCall(wb_checkpoint_get_real(ck, "train_validation", &t->validation));
  PetscCall(wb_checkpoint_get_real(ck, "train_best", &t->best));
  t->step = t->saved_step = (long)step;
  wb_adamw_set_steps(t->opt, t->step);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_trainer_resume(WbTrainer *t, const char *path) {
  WbCheckpoint ck = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_checkpoint_open(t->comm, path, &ck));
  const PetscErrorCode e = get_all(t, path, ck);
  PetscCall(wb_checkpoint_close(&ck));
  if (!e) wb_log("training goes on after step %ld", t->step);
  PetscFunctionReturn(e);
}
