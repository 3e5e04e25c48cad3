/* How much memory a network takes. The numbers come from creating it: a plan creates all but its large arrays. */
#include "net_internal.h"

void wb_net_memory(WbNet net, WbNetMemory *memory) {
  const WbConvContext c = net->context;
  *memory = (WbNetMemory){.fields = net->store.field_bytes,
                          .halos = net->store.halo_bytes,
                          .work_space = (double)c->scratch_bytes + (double)c->dy16_size * sizeof *c->dy16};
  for (int i = 0; i < net->n_layers; i++) memory->weights += wb_conv_bytes(net->layers[i].conv);
}

PetscErrorCode wb_net_plan(WbModel model, const WbGrid *grid, WbBackend backend, WbNetMode mode, WbNetMemory *memory) {
  WbNet net = NULL;
  PetscFunctionBeginUser;
  const PetscErrorCode e = wb_net_make(model, grid, backend, mode, true, &net);
  if (!e) wb_net_memory(net, memory);
  wb_net_destroy(&net);
  PetscFunctionReturn(e);
}
