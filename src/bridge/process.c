/* The list of processes, and what follows from a path whatever the process: diffusivities and linear forms. With
 * R = X - alpha x0 - beta D = gamma E[z | X] (doc/theory.rst):
 *     velocity  v   = alpha' x0 + beta' D + w' / (2 w) R        (E of the path's time derivative)
 *     score     s   = -R / w
 *     drift     b^g = v + g^2 / 2 s */
#include <math.h>
#include <string.h>

#include "bridge_internal.h"

static const WbProcessClass *const classes[WB_N_PROCESSES] = {
    [WB_PROCESS_BRIDGE] = &wb_class_bridge,
    [WB_PROCESS_INTERPOLANT] = &wb_class_interpolant,
    [WB_PROCESS_I2SB] = &wb_class_i2sb,
    [WB_PROCESS_DIFFUSION_VP] = &wb_class_diffusion_vp,
    [WB_PROCESS_DIFFUSION_EDM] = &wb_class_diffusion_edm,
    [WB_PROCESS_FLOW] = &wb_class_flow,
    [WB_PROCESS_SF2M] = &wb_class_sf2m,
};

const char *wb_process_name(WbProcessKind kind) {
  return classes[kind]->name;
}

PetscErrorCode wb_process_parse(const char *name, WbProcessKind *kind) {
  PetscFunctionBeginUser;
  for (int k = 0; k < WB_N_PROCESSES; k++) {
    if (name && strcmp(name, classes[k]->name) == 0) {
      *kind = (WbProcessKind)k;
      PetscFunctionReturn(0);
    }
  }
  WB_RAISE_ALL(WB_ERR_CONFIG,
               "process is '%s': allowed are bridge, interpolant, i2sb, diffusion_vp, diffusion_edm, flow, sf2m",
               name ? name : "");
}

void wb_process_options_default(WbProcessKind kind, WbProcessOptions *options) {
  *options = (WbProcessOptions){.kind = kind,
                                .epsilon = {1.0f, 1.0f, 1.0f, 1.0f},
                                .schedule = WB_SCHEDULE_LINEAR,
                                .rate_ratio = 3.0,
                                .rate_min = 0.1,
                                .rate_max = 20.0,
                                .sigma_max = 80.0};
}

/* The ends that sampling relies on. */
static PetscErrorCode check_ends(const struct WbProcess_s *p) {
  WbPathAt a, b;
  PetscFunctionBeginUser;
  p->class->at(p, 0.0, &a);
  p->class->at(p, 1.0, &b);
  const double tiny = 1e-12;
  const bool start = p->class->from_noise ? a.w > 0.0 && fabs(a.alpha) <= tiny
                                          : fabs(a.alpha - 1.0) <= tiny && fabs(a.beta) <= tiny && fabs(a.w) <= tiny;
  if (!start || !(fabs(b.alpha) <= tiny && fabs(b.beta - 1.0) <= tiny && fabs(b.w) <= tiny)) {
    WB_RAISE_ALL(
        WB_ERR_CONFIG,
        "process %s: alpha, beta, noise go from %g, %g, %g to %g, %g, %g; they must go from 1, 0, 0 to 0, 1, 0",
        p->class->name, a.alpha, a.beta, sqrt(fabs(a.w)), b.alpha, b.beta, sqrt(fabs(b.w)));
  }
  for (int k = 1; k < 1000; k++) {
    p->class->at(p, k / 1000.0, &a);
    if (!(a.w > 0.0) || !(a.g2 >= 0.0)) {
      WB_RAISE_ALL(WB_ERR_CONFIG, "process %s: squares of noise %g and diffusivity %g at t = %g; they must be positive",
                   p->class->name, a.w, a.g2, k / 1000.0);
    }
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode setup(const WbProcessOptions *o, WbProcess p) {
  PetscFunctionBeginUser;
  for (int c = 0; c < WB_CHANNELS; c++) {
    if (!(o->epsilon[c] > 0.0f) || !isfinite(o->epsilon[c])) {
      WB_RAISE_ALL(WB_ERR_CONFIG, "process %s: epsilon of channel %d is %g; it must be positive", p->class->name, c,
                   (double)o->epsilon[c]);
    }
  }
  if (p->class->setup) PetscCall(p->class->setup(o, p));
  PetscCall(check_ends(p));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_process_create(const WbProcessOptions *options, WbProcess *process) {
  PetscFunctionBeginUser;
  *process = NULL;
  if (options->kind < 0 || options->kind >= WB_N_PROCESSES) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "there is no process %d", (int)options->kind);
  }
  PetscCall(WB_CALLOC(1, process));
  (*process)->class = classes[options->kind];
  (*process)->options = *options;
  (*process)->options.table = (WbPathTable){0}; /* its values are copied into curves */
  const PetscErrorCode failed = setup(options, *process);
  if (failed) wb_process_destroy(process);
  PetscFunctionReturn(failed);
}

void wb_process_destroy(WbProcess *process) {
  if (!process || !*process) return;
  for (int c = 0; c < WB_CURVES; c++) wb_curve_destroy(&(*process)->curve[c]);
  WB_FREE(process);
}

void wb_process_at(const struct WbProcess_s *process, double t, WbPathAt *at) {
  process->class->at(process, t, at);
}

WbProcessKind wb_process_kind(const struct WbProcess_s *process) {
  return process->options.kind;
}

const float *wb_process_epsilon(const struct WbProcess_s *process) {
  return process->options.epsilon;
}

bool wb_process_from_noise(const struct WbProcess_s *process) {
  return process->class->from_noise;
}

double wb_process_train_time(const struct WbProcess_s *process, double u, double power) {
  return process->class->train_time ? process->class->train_time(process, u) : fmin(pow(u, power), WB_TRAIN_T_MAX);
}

double wb_path_signal(const WbPathAt *at) {
  return at->w > 0.0 ? at->beta / sqrt(at->w) : 0.0;
}

/* g^2 of the choice for scale 1. Foellmer's, 2 w beta'/beta - w', is w' at the start from a point (math.md: b with
 * sigma) and infinite where noise starts with beta = 0. */
static double diffusivity(WbNoiseChoice noise, const WbPathAt *at) {
  if (noise == WB_NOISE_NONE) return 0.0;
  if (noise == WB_NOISE_BASE) return at->g2;
  return at->w > 0.0 ? 2.0 * at->w * at->d_beta / at->beta - at->d_w : at->d_w;
}

void wb_process_drift(const struct WbProcess_s *process, WbNoiseChoice noise, double scale, double t, WbForm *form,
                      double *g2) {
  WbPathAt at;
  process->class->at(process, t, &at);
  const double square = scale * scale * diffusivity(noise, &at);
  const double k = at.w > 0.0 ? 0.5 * (at.d_w - square) / at.w : 0.0;
  form->x = k;
  form->d = at.d_beta - k * at.beta;
  form->x0 = at.d_alpha - k * at.alpha;
  if (g2) *g2 = square;
}

void wb_process_noise_form(const struct WbProcess_s *process, double t, WbForm *form) {
  WbPathAt at;
  process->class->at(process, t, &at);
  const double gamma = sqrt(at.w);
  form->x = 1.0 / gamma;
  form->d = -at.beta / gamma;
  form->x0 = -at.alpha / gamma;
}

PetscErrorCode wb_process_check_foellmer(const struct WbProcess_s *process) {
  PetscFunctionBeginUser;
  for (int k = 1; k < 1000; k++) {
    const double t = k / 1000.0;
    WbPathAt at;
    process->class->at(process, t, &at);
    const double g2 = diffusivity(WB_NOISE_FOELLMER, &at), rounding = 1e-9 * (fabs(at.d_w) + at.w);
    if (!(g2 >= -rounding)) {
      WB_RAISE_ALL(WB_ERR_CONFIG,
                   "process %s has no Foellmer diffusivity: beta^2/gamma^2 decreases at t = %g (g^2 = %g); choose the "
                   "noise base or none",
                   process->class->name, t, g2);
    }
  }
  PetscFunctionReturn(0);
}

double wb_quadrature(double (*f)(const struct WbProcess_s *process, double t), const struct WbProcess_s *process,
                     double a, double b) {
  static const double node[8] = {0.09501250983763745, 0.28160355077925892, 0.45801677765722737, 0.61787624440264377,
                                 0.75540440835500300, 0.86563120238783176, 0.94457502307323260, 0.98940093499164994};
  static const double weight[8] = {0.18945061045506850, 0.18260341504492358, 0.16915651939500254, 0.14959598881657676,
                                   0.12462897125553390, 0.09515851168249277, 0.06225352393864789, 0.02715245941175409};
  const double middle = 0.5 * (a + b), half = 0.5 * (b - a);
  double sum = 0.0;
  for (int i = 0; i < 8; i++) {
    sum += weight[i] * (f(process, middle - half * node[i]) + f(process, middle + half * node[i]));
  }
  return sum * half;
}
