/* Inside of the bridge module: what a process is, what a plan is. */
#ifndef WB_BRIDGE_INTERNAL_H
#define WB_BRIDGE_INTERNAL_H
#include "windbridge/bridge.h"

/* ---- processes: one WbProcessClass each, in a file of its own; process.c holds the list ---- */
typedef struct {
  const char *name;
  bool from_noise;
  /* The path at t in [0, 1], analytic, exact at both ends. */
  void (*at)(const struct WbProcess_s *process, double t, WbPathAt *at);
  /* Integral of g2 / (2 w) over (t, s), 0 < t < s < 1, for the process's own g2. */
  double (*growth)(const struct WbProcess_s *process, double t, double s);
  /* Checks and stores what the options give; NULL: nothing to do. */
  PetscErrorCode (*setup)(const WbProcessOptions *options, WbProcess process);
  /* wb_process_train_time; NULL: t = u^power. */
  double (*train_time)(const struct WbProcess_s *process, double u);
  /* What networks are told of t; NULL: t itself. */
  double (*net_time)(const struct WbProcess_s *process, double t);
} WbProcessClass;
extern const WbProcessClass wb_class_bridge, wb_class_interpolant, wb_class_i2sb, wb_class_diffusion_vp,
    wb_class_diffusion_edm, wb_class_flow, wb_class_sf2m;

/* A monotone cubic through n values (Fritsch & Carlson 1980). */
enum { WB_CURVES = 4 }; /* alpha, beta, noise, diffusivity */
typedef struct {
  int n;
  double *t, *value, *slope; /* (n) each */
} WbCurve;
/* Copies t and value (n). Errors: WB_ERR_CONFIG, named after `what`, unless t rises from 0 to 1 and values are finite.
 */
PetscErrorCode wb_curve_create(const char *what, int n, const double *t, const double *value, WbCurve *curve);
void wb_curve_destroy(WbCurve *curve);
void wb_curve_at(const WbCurve *curve, double t, double *value, double *slope);

struct WbProcess_s {
  const WbProcessClass *class;
  WbProcessOptions options;
  WbCurve curve[WB_CURVES]; /* of a table; n = 0: none */
};

/* Gauss-Legendre quadrature of f over (a, b), 16 points. */
double wb_quadrature(double (*f)(const struct WbProcess_s *process, double t), const struct WbProcess_s *process,
                     double a, double b);
/* beta / gamma for epsilon = 1: sqrt of the signal-to-noise ratio; 0 at the start from a point. */
double wb_path_signal(const WbPathAt *at);

/* ---- plans: stages, each one evaluation of the denoiser and up to three linear forms ---- */
enum { WB_FIELD_X, WB_FIELD_D, WB_FIELD_X0, WB_FIELD_ACC, WB_FIELD_BASE, WB_N_FIELDS };
typedef struct {
  int out;               /* field written: X, ACC or BASE */
  double c[WB_N_FIELDS]; /* out = sum of c * field + z * epsilon_c * noise, 0 in buildings */
  double z;
} WbOp;
enum { WB_STAGE_OPS = 3 };
typedef struct {
  double t;  /* D(x, t) is evaluated, then the forms follow in order */
  int noise; /* step number in the random key; the same number gives the same noise again */
  int n_ops;
  WbOp op[WB_STAGE_OPS];
} WbStage;

struct WbPlan_s {
  bool two_sided, start_noise;
  double start_x0, start_z; /* X_0 = start_x0 x0 + start_z epsilon_c z */
  float epsilon[WB_CHANNELS];
  int n_stages;
  WbStage *stage;
  WbNoiseField noise; /* NULL: white. Borrowed */
};

/* Place of a field in the work array, -1: not needed. */
int wb_plan_slot(const struct WbPlan_s *plan, int field);

/* What a stepper sees of step k from t to s. */
typedef struct {
  const struct WbProcess_s *process;
  const WbSampler *sampler;
  int number;
  double t, s;
  WbPathAt at, next;
  bool last;
} WbStep;
/* Each writes the stages of one step and returns how many (at most 4). steps.c, flow.c */
int wb_step_euler(const WbStep *step, WbStage *stage);
int wb_step_heun(const WbStep *step, WbStage *stage);
int wb_step_exponential(const WbStep *step, WbStage *stage);
int wb_step_flow_heun(const WbStep *step, WbStage *stage);
int wb_step_flow_rk4(const WbStep *step, WbStage *stage);
int wb_step_score(const WbStep *step, WbStage *stage); /* the last one */
#endif
