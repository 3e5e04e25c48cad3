/* Conditional diffusion models; t = 0 is noise, t = 1 the data, tau = 1 - t the forward time.
 * VP (Song et al. 2021; DDPM in continuous time): dx = -r/2 x dtau + epsilon sqrt(r) dW with r = r_min + (r_max -
 * r_min) tau, so beta = exp(-B/2) and w = 1 - exp(-B), B = integral of r. r = 2T, epsilon^2 = 1/2: Ornstein-Uhlenbeck
 * dx = -x d(T tau) + dW. EDM (Karras et al. 2022): beta = 1, gamma = sigma_max (1 - t); the noise levels of its sampler
 * are the times of its grid. The own diffusivity is that of the reverse SDE, which is Foellmer's. */
#include "bridge_internal.h"

#include <math.h>

static void vp_at(const struct WbProcess_s *process, double t, WbPathAt *at) {
  const double low = process->options.rate_min, high = process->options.rate_max, tau = 1.0 - t;
  const double rate = low + (high - low) * tau, total = tau * (low + 0.5 * (high - low) * tau);
  at->alpha = at->d_alpha = 0.0;
  at->beta = exp(-0.5 * total);
  at->d_beta = 0.5 * rate * at->beta;
  at->w = -expm1(-total);
  at->d_w = -rate * exp(-total);
  at->g2 = rate;
}

static void edm_at(const struct WbProcess_s *process, double t, WbPathAt *at) {
  const double sigma = process->options.sigma_max * (1.0 - t);
  at->alpha = at->d_alpha = at->d_beta = 0.0;
  at->beta = 1.0;
  at->w = sigma * sigma;
  at->d_w = -2.0 * process->options.sigma_max * sigma;
  at->g2 = -at->d_w;
}

/* g^2 = w d/dt ln(beta^2 / w), so g^2 / (2 w) = d/dt ln(beta / gamma). */
static double growth(const struct WbProcess_s *process, double t, double s) {
  WbPathAt at, next;
  process->class->at(process, t, &at);
  process->class->at(process, s, &next);
  return log(wb_path_signal(&next) / wb_path_signal(&at));
}

static PetscErrorCode vp_setup(const WbProcessOptions *o, WbProcess process) {
  (void)process;
  PetscFunctionBeginUser;
  if (!(o->rate_min > 0.0 && o->rate_max >= o->rate_min && o->rate_max < 1000.0)) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "diffusion_vp: rates %g and %g; allowed: 0 < rate_min <= rate_max < 1000", o->rate_min,
                 o->rate_max);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode edm_setup(const WbProcessOptions *o, WbProcess process) {
  (void)process;
  PetscFunctionBeginUser;
  if (!(o->sigma_max > 0.0 && o->sigma_max < 1e6)) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "diffusion_edm: sigma_max is %g; allowed: above 0, below 1e6", o->sigma_max);
  }
  PetscFunctionReturn(0);
}

/* Quantile of the standard normal: Newton on the integral, from a start that is good to 1e-3. */
static double normal_quantile(double u) {
  const double p = u < 0.5 ? u : 1.0 - u, q = sqrt(-2.0 * log(p));
  double x = -(q - (2.30753 + 0.27061 * q) / (1.0 + q * (0.99229 + 0.04481 * q))); /* Hastings, AS 26.2.22 */
  for (int k = 0; k < 4; k++) {
    const double error = 0.5 * erfc(-x * M_SQRT1_2) - p;
    x -= error * sqrt(2.0 * M_PI) * exp(0.5 * x * x);
  }
  return u < 0.5 ? x : -x;
}

static double edm_train_time(const struct WbProcess_s *process, double u) {
  const double sigma = 2.0 * exp(-1.2 + 1.2 * normal_quantile(u)); /* the paper's, for data of deviation 1/2 */
  const double t = 1.0 - sigma / process->options.sigma_max;
  return t > 0.0 ? t : 0.0;
}

/* ln(gamma / epsilon) / 4, the paper's c_noise: all levels that matter lie within 6 % of t. Finite at t = 1. */
static double edm_net_time(const struct WbProcess_s *process, double t) {
  return 0.25 * log(process->options.sigma_max * fmax(1.0 - t, 1e-7));
}

const WbProcessClass wb_class_diffusion_vp = {
    .name = "diffusion_vp", .from_noise = true, .at = vp_at, .growth = growth, .setup = vp_setup};
const WbProcessClass wb_class_diffusion_edm = {.name = "diffusion_edm",
                                               .from_noise = true,
                                               .at = edm_at,
                                               .growth = growth,
                                               .setup = edm_setup,
                                               .train_time = edm_train_time,
                                               .net_time = edm_net_time};
