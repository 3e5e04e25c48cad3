/* The halo exchange of a convolution's input while that input is still being made: its rim first, which is sent; then
 * the inside, while the messages travel; then the ghosts. The convolution itself stays whole, because the libraries'
 * kernels want dense arrays; norm and activation of the inside move more memory than the messages, which hides them on
 * any network. Every voxel is computed once, from the same numbers: the result has the same bits. */
#include "net_internal.h"

static void part_of(WbNet net, const WbNormAct *p, WbPart part, const float *x, void *padded) {
  if (net->context->bf16)
    wb_norm_act_part_bf16(p, part, x, padded);
  else
    wb_norm_act_part_f32(p, part, x, padded);
}

PetscErrorCode wb_net_norm_act_exchange(WbNet net, const WbNormAct *p, WbHalo halo, const float *x, void *padded) {
  PetscFunctionBeginUser;
  if (net->plain_exchange || wb_halo_messages(halo) == 0) {
    part_of(net, p, WB_PART_ALL, x, padded);
    PetscCall(wb_halo_exchange(halo, padded));
    PetscFunctionReturn(0);
  }
  part_of(net, p, WB_PART_RIM, x, padded);
  PetscCall(wb_halo_begin(halo, padded));
  part_of(net, p, WB_PART_INSIDE, x, padded);
  PetscCall(wb_halo_end(halo, padded));
  PetscFunctionReturn(0);
}

void wb_net_overlap(WbNet net, bool overlap) {
  net->plain_exchange = !overlap;
}
