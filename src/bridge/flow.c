/* Conditional flow matching on straight lines from noise to data, X_t = t x1 + (1 - t) epsilon z (Lipman et al. 2023;
 * rectified flow, Liu et al. 2023), meant for the probability flow (g = 0). Its own diffusivity, for those who want
 * noise, is g^2 = 2 (1 - t) = -w', finite at the start, where Foellmer's 2 (1 - t) / t is not. */
#include "bridge_internal.h"

#include <math.h>

static void flow_at(const struct WbProcess_s *process, double t, WbPathAt *at) {
  const double rest = 1.0 - t;
  (void)process;
  at->alpha = at->d_alpha = 0.0;
  at->beta = t;
  at->d_beta = 1.0;
  at->w = rest * rest;
  at->d_w = -2.0 * rest;
  at->g2 = 2.0 * rest;
}

static double flow_growth(const struct WbProcess_s *process, double t, double s) {
  (void)process;
  return log((1.0 - t) / (1.0 - s));
}

const WbProcessClass wb_class_flow = {.name = "flow", .from_noise = true, .at = flow_at, .growth = flow_growth};
