/* Samplers by name, and the plan of a run: every coefficient before the first evaluation. */
#include <math.h>
#include <string.h>

#include "bridge_internal.h"

static const struct {
  const char *name;
  WbStepper stepper;
  int noise; /* -1: the caller's */
  WbLastStep last;
} samplers[] = {
    {"euler_maruyama", WB_STEPPER_EULER, -1, WB_LAST_EULER},
    {"stochastic_heun", WB_STEPPER_HEUN, -1, WB_LAST_EULER},
    {"exponential", WB_STEPPER_EXPONENTIAL, -1, WB_LAST_EULER},
    {"flow_euler", WB_STEPPER_EXPONENTIAL, WB_NOISE_NONE, WB_LAST_SCORE},
    {"flow_heun", WB_STEPPER_HEUN, WB_NOISE_NONE, WB_LAST_SCORE},
    {"flow_rk4", WB_STEPPER_RK4, WB_NOISE_NONE, WB_LAST_SCORE},
    {"ddpm", WB_STEPPER_EXPONENTIAL, WB_NOISE_FOELLMER, WB_LAST_DENOISE},
    {"ddim", WB_STEPPER_EXPONENTIAL, WB_NOISE_NONE, WB_LAST_DENOISE},
    {"i2sb_posterior", WB_STEPPER_EXPONENTIAL, WB_NOISE_FOELLMER, WB_LAST_DENOISE},
    {"mean", WB_STEPPER_MEAN, WB_NOISE_NONE, WB_LAST_DENOISE},
};

const char *wb_sampler_names(void) {
  return "euler_maruyama|stochastic_heun|exponential|flow_euler|flow_heun|flow_rk4|ddpm|ddim|i2sb_posterior|mean";
}

PetscErrorCode wb_sampler_parse(const char *name, WbNoiseChoice noise, WbSampler *sampler) {
  PetscFunctionBeginUser;
  for (size_t k = 0; k < sizeof(samplers) / sizeof(samplers[0]); k++) {
    if (name && strcmp(name, samplers[k].name) == 0) {
      *sampler = (WbSampler){.stepper = samplers[k].stepper,
                             .noise = samplers[k].noise < 0 ? noise : (WbNoiseChoice)samplers[k].noise,
                             .noise_scale = 1.0,
                             .last = samplers[k].last};
      PetscFunctionReturn(0);
    }
  }
  WB_RAISE_ALL(WB_ERR_CONFIG, "sampler is '%s': allowed are %s", name ? name : "", wb_sampler_names());
}

typedef int (*StepFn)(const WbStep *step, WbStage *stage);

static const StepFn step_of[WB_N_STEPPERS] = {[WB_STEPPER_EULER] = wb_step_euler,
                                              [WB_STEPPER_HEUN] = wb_step_heun,
                                              [WB_STEPPER_EXPONENTIAL] = wb_step_exponential,
                                              [WB_STEPPER_RK4] = wb_step_flow_rk4};

/* From a known x0 only noise that comes before the signal lets the paths spread: beta^2 / w must vanish at t = 0. */
static PetscErrorCode check_start(const struct WbProcess_s *process) {
  WbPathAt early, later;
  PetscFunctionBeginUser;
  wb_process_at(process, 1e-8, &early);
  wb_process_at(process, 1e-4, &later);
  if (!(wb_path_signal(&early) < 0.3 * wb_path_signal(&later))) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "process %s: beta/gamma is %g near t = 0; from a known x0 it must start from 0",
                 process->class->name, wb_path_signal(&early));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode check(const struct WbProcess_s *process, const WbSampler *o, int steps, const double *t) {
  PetscFunctionBeginUser;
  if (o->stepper < 0 || o->stepper >= WB_N_STEPPERS || o->noise < 0 || o->noise >= WB_N_NOISES) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "sampler: there is no stepper %d with noise %d", (int)o->stepper, (int)o->noise);
  }
  if (steps < 1 || steps > 65534) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "sampler: %d steps asked for; allowed are 1 to 65534", steps);
  }
  for (int k = 0; k <= steps; k++) {
    if (k == 0 ? !(t[k] == 0.0) : !(t[k] > t[k - 1]) || (k == steps && !(t[k] == 1.0))) {
      WB_RAISE_ALL(WB_ERR_CONFIG, "sampler: time %d of %d is %g; times must rise from 0 to 1", k, steps, t[k]);
    }
  }
  if (o->stepper == WB_STEPPER_RK4 && (o->noise != WB_NOISE_NONE || o->two_sided)) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "sampler: Runge-Kutta is for the flow from a known x0 (noise none)");
  }
  if (!(o->noise_scale > 0.0) || !isfinite(o->noise_scale)) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "sampler: noise scale %g; it must be positive (noise none: the flow)", o->noise_scale);
  }
  if (!o->two_sided && !process->class->from_noise) PetscCall(check_start(process));
  if (o->noise == WB_NOISE_FOELLMER) PetscCall(wb_process_check_foellmer(process));
  PetscFunctionReturn(0);
}

static void fill(const struct WbProcess_s *process, const WbSampler *sampler, int steps, const double *t, WbPlan plan) {
  for (int k = 0; k < steps; k++) {
    WbStep step = {
        .process = process, .sampler = sampler, .number = k, .t = t[k], .s = t[k + 1], .last = k == steps - 1};
    wb_process_at(process, step.t, &step.at);
    wb_process_at(process, step.s, &step.next);
    plan->n_stages += step_of[sampler->stepper](&step, plan->stage + plan->n_stages);
  }
}

PetscErrorCode wb_plan_create(const struct WbProcess_s *process, const WbSampler *sampler, int steps, const double *t,
                              WbPlan *plan) {
  WbPathAt start;
  PetscFunctionBeginUser;
  *plan = NULL;
  PetscCall(check(process, sampler, steps, t));
  PetscCall(WB_CALLOC(1, plan));
  WbPlan p = *plan;
  wb_process_at(process, 0.0, &start);
  p->two_sided = sampler->two_sided;
  p->start_x0 = start.alpha + start.beta;
  memcpy(p->epsilon, process->options.epsilon, sizeof(p->epsilon));
  const PetscErrorCode failed = wb_calloc_bytes((size_t)steps * 4 * sizeof(WbStage), "plan", (void **)&p->stage);
  if (failed) {
    wb_plan_destroy(plan);
    PetscFunctionReturn(failed);
  }
  if (sampler->stepper == WB_STEPPER_MEAN) {
    p->n_stages = 1;
    p->stage[0] = (WbStage){.n_ops = 1, .op = {{.out = WB_FIELD_X, .c = {[WB_FIELD_D] = 1.0}}}};
  } else {
    p->start_z = sqrt(start.w);
    fill(process, sampler, steps, t, p);
  }
  PetscFunctionReturn(0);
}

void wb_plan_destroy(WbPlan *plan) {
  if (!plan || !*plan) return;
  WB_FREE(&(*plan)->stage);
  WB_FREE(plan);
}

void wb_plan_set_noise(WbPlan plan, WbNoiseField field) {
  plan->noise = field;
}

int wb_plan_evaluations(const struct WbPlan_s *plan) {
  return plan->n_stages;
}

/* Place of a field in work, -1: not used. D is first. */
int wb_plan_slot(const struct WbPlan_s *plan, int field) {
  int used[WB_N_FIELDS] = {[WB_FIELD_D] = 1, [WB_FIELD_X0] = plan->two_sided};
  for (int k = 0; k < plan->n_stages; k++) {
    for (int i = 0; i < plan->stage[k].n_ops; i++) {
      const int out = plan->stage[k].op[i].out;
      if (out == WB_FIELD_ACC || out == WB_FIELD_BASE) used[out] = 1;
    }
  }
  int slot = 0;
  for (int f = 0; f < field; f++) slot += used[f];
  return used[field] ? slot : -1;
}

int wb_plan_fields(const struct WbPlan_s *plan) {
  int n = 0;
  for (int f = 0; f < WB_N_FIELDS; f++) n += wb_plan_slot(plan, f) >= 0;
  return n;
}
