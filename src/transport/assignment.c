/* Assignment of least cost by shortest augmenting paths: rows enter one by one, each along the cheapest path of
 * alternating pairs in reduced costs (Jonker & Volgenant 1987, without their heuristics for the start). */
#include <math.h>

#include "windbridge/transport.h"

typedef struct {
  double *row_price, *column_price, *distance; /* (n) duals and lengths of the paths */
  int *row_of, *before;                        /* (n) row of a column or -1; column before on the path or -1 */
  bool *done;                                  /* (n) columns whose distance is final */
} Search;

/* Shortest path from `row` to a free column; returns that column. */
static int shortest_path(int n, const double *cost, int row, Search *s) {
  for (int j = 0; j < n; j++) {
    s->distance[j] = INFINITY;
    s->before[j] = -1;
    s->done[j] = false;
  }
  int last = -1, i = row;
  double length = 0.0;
  for (;;) {
    int next = -1;
    for (int j = 0; j < n; j++) {
      if (s->done[j]) continue;
      const double d = length + cost[(size_t)i * (size_t)n + (size_t)j] - s->row_price[i] - s->column_price[j];
      if (d < s->distance[j]) {
        s->distance[j] = d;
        s->before[j] = last;
      }
      if (next < 0 || s->distance[j] < s->distance[next]) next = j;
    }
    s->done[next] = true;
    length = s->distance[next];
    last = next;
    if (s->row_of[next] < 0) return next;
    i = s->row_of[next];
  }
}

/* New prices keep reduced costs >= 0 and 0 on pairs. */
static void update_prices(int n, int row, int end, Search *s) {
  const double length = s->distance[end];
  s->row_price[row] += length;
  for (int j = 0; j < n; j++) {
    if (!s->done[j] || j == end) continue;
    s->row_price[s->row_of[j]] += length - s->distance[j];
    s->column_price[j] -= length - s->distance[j];
  }
}

static void assign(int n, const double *cost, Search *s) {
  for (int j = 0; j < n; j++) {
    s->row_of[j] = -1;
    s->row_price[j] = s->column_price[j] = 0.0;
  }
  for (int row = 0; row < n; row++) {
    int j = shortest_path(n, cost, row, s);
    update_prices(n, row, j, s);
    for (; s->before[j] >= 0; j = s->before[j]) s->row_of[j] = s->row_of[s->before[j]];
    s->row_of[j] = row;
  }
}

static PetscErrorCode allocate(int n, Search *s) {
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(n, &s->row_price));
  PetscCall(WB_ALLOC(n, &s->column_price));
  PetscCall(WB_ALLOC(n, &s->distance));
  PetscCall(WB_ALLOC(n, &s->row_of));
  PetscCall(WB_ALLOC(n, &s->before));
  PetscCall(WB_ALLOC(n, &s->done));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_assignment(int n, const double *cost, int *column) {
  Search s = {0};
  PetscFunctionBeginUser;
  if (n < 1) WB_RAISE_ALL(WB_ERR_CONFIG, "assignment of %d points; at least 1 is needed", n);
  for (size_t k = 0; k < (size_t)n * (size_t)n; k++) {
    if (!isfinite(cost[k])) WB_RAISE(WB_ERR_NUMERIC, "assignment: cost %zu is %g", k, cost[k]);
  }
  const PetscErrorCode failed = allocate(n, &s);
  if (!failed) {
    assign(n, cost, &s);
    for (int j = 0; j < n; j++) column[s.row_of[j]] = j;
  }
  WB_FREE(&s.row_price);
  WB_FREE(&s.column_price);
  WB_FREE(&s.distance);
  WB_FREE(&s.row_of);
  WB_FREE(&s.before);
  WB_FREE(&s.done);
  PetscFunctionReturn(failed);
}
