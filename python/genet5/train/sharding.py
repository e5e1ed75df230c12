"""FSDP2: every process keeps a part of the weights, gradients and optimizer state, and gathers a block when it is used.

Checkpoints hold whole tensors, the same as without it, so a run may go on with another number of processes, or without.
"""

import torch
import torch.distributed.device_mesh as meshes
import torch.distributed.fsdp as fsdp
import torch.distributed.tensor as tensors

import genet5.model.network as network
import genet5.train.optimizer as optim


def shard(model, group):
    """Cut the weights of a model into parts, in place.

    model: GeneT5
    group: genet5.train.distributed.Group, started
    """

    mesh  = meshes.init_device_mesh(group.device.type, (group.world,))
    # a single number cannot be cut; it stays whole on every process
    whole = {parameter for parameter in model.parameters() if parameter.ndim == 0}
    for layer in model.layers:
        fsdp.fully_shard(layer, mesh=mesh, ignored_params=whole)
        for name in ("prefix", "steps"):
            fsdp.register_fsdp_forward_method(layer, name)
    # the writer and the heads use what is outside of the blocks after prefill has ended
    fsdp.fully_shard(model, mesh=mesh, reshard_after_forward=False, ignored_params=whole)
    fsdp.register_fsdp_forward_method(model, "prefill")
    for module in (model, *model.layers):
        # losses are divided by the global number of decisions already
        module.set_gradient_divide_factor(1.0)
        module.set_force_sum_reduction_for_comms(True)


class Gradients(optim.FlatGradients):
    """This process's part of all gradients in one buffer.

    model: GeneT5 after `shard`
    group: genet5.train.distributed.Group
    """

    def __init__(self, model, group):
        self.group  = group
        self.shared = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.live   = [_local(parameter).detach() for parameter in self.shared]
        self.buffer = torch.zeros(sum(part.numel() for part in self.live), dtype=self.live[0].dtype,
                                  device=self.live[0].device)

    def zero(self):
        """Forget all gradients."""

        for parameter in self.shared:
            parameter.grad = None

    def reduce(self, group):
        """Take the gradients over from the backward pass, which has summed those of what is cut."""

        views = self.views(self.buffer)
        for view, parameter in zip(views, self.shared):
            if parameter.grad is None:
                view.zero_()
            else:
                view.copy_(_local(parameter.grad))
        for view, parameter in zip(views, self.shared):
            if not _is_cut(parameter):
                group.sum_(view)

    def norm(self):
        """The norm over all processes, a tensor; what every process holds whole counts once."""

        views = zip(self.views(self.buffer), self.shared)
        own   = [view.double().square().sum() for view, parameter in views
                 if _is_cut(parameter) or self.group.rank == 0]
        return self.group.sum_(torch.stack(own).sum()).sqrt().to(self.buffer.dtype)

    def whole(self, flat):
        """The full vector, as without parts, of which every process holds a part; all processes call it."""

        return torch.cat([_join(view, parameter).flatten() for view, parameter in zip(self.views(flat), self.shared)])

    def part(self, flat):
        """This process's part of a full vector."""

        full = flat.to(self.buffer.device).split([parameter.numel() for parameter in self.shared])
        return torch.cat([self._cut(one.view(parameter.shape), parameter).flatten()
                          for one, parameter in zip(full, self.shared)])

    def whole_values(self, values):
        """Full tensors by name, from the parts of parameters and from what is not cut."""

        return {name: _join(values[name], parameter) for name, parameter in zip(values, self.shared, strict=True)}

    def part_values(self, values):
        """This process's parts of full tensors by name."""

        return {name: self._cut(values[name].to(self.buffer.device), parameter)
                for name, parameter in zip(values, self.shared, strict=True)}

    def _cut(self, full, parameter):
        if not _is_cut(parameter):
            return full
        chunks = full.chunk(self.group.world)
        return chunks[self.group.rank] if self.group.rank < len(chunks) else full[:0]

    def model_state(self, model):
        """The full state_dict of a model in parts; all processes call it."""

        return {name: value.full_tensor() if _is_cut(value) else value
                for name, value in model.state_dict().items()}

    def load_model_state(self, model, state):
        """The opposite of `model_state`."""

        with torch.no_grad():
            for name, value in model.state_dict().items():
                _local(value).copy_(self._cut(state[name].to(value.device), value))

    def whole_model(self, model):
        """A copy of a model in parts that needs no other process; all processes call it."""

        state = self.model_state(model)
        full  = network.GeneT5(model.config).to(self.buffer.device)
        full.load_state_dict(state)
        full.folder = model.folder
        return full


def _is_cut(tensor):
    return isinstance(tensor, tensors.DTensor)


def _local(tensor):
    """This process's part of a tensor, the tensor itself where it is whole."""

    return tensor.to_local() if _is_cut(tensor) else tensor


def _join(local, parameter):
    """The full tensor of a parameter's shape whose part is `local`."""

    if not _is_cut(parameter):
        return local
    return tensors.DTensor.from_local(local.view_as(parameter.to_local()), parameter.device_mesh, parameter.placements,
                                      run_check=False, shape=parameter.shape, stride=parameter.stride()).full_tensor()
