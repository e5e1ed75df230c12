"""Several processes under torchrun: gloo on CPU, nccl on CUDA; alone, every function is a no-op."""

import datetime
import io
import os

import torch
import torch.distributed as dist

# the first process evaluates genes while the others wait
PATIENCE = datetime.timedelta(hours=2)


class Group:
    """The processes of this run.

    rank, world, local_rank, local_world: int, as torchrun's environment says
    """

    def __init__(self):
        self.rank        = int(os.environ.get("RANK", "0"))
        self.world       = int(os.environ.get("WORLD_SIZE", "1"))
        self.local_rank  = int(os.environ.get("LOCAL_RANK", "0"))
        self.local_world = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        self.device      = torch.device("cpu")

    def start(self, device):
        """Meet the other processes.

        device: torch.device of this process; decides between gloo and nccl
        """

        self.device = device
        if self.world > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)

    def stop(self):
        """Leave the other processes."""

        if self.world > 1 and dist.is_initialized():
            dist.destroy_process_group()

    def sum_(self, tensor):
        """Sum a tensor over all processes, in place; the same bits on each."""

        if self.world > 1:
            dist.all_reduce(tensor)
        return tensor

    def total(self, values):
        """Sum a list of numbers over all processes in double precision; returns a list of float."""

        if self.world == 1:
            return [float(value) for value in values]
        return self.sum_(torch.tensor(values, dtype=torch.float64, device=self.device)).tolist()

    def spread(self, value):
        """The first process's value (small, of plain types) on every process."""

        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=self.device)
        return box[0]

    def spread_state(self, state):
        """The first process's checkpoint on every process; only tensors and plain values travel.

        state: dict on the first process, anything elsewhere
        """

        if self.world == 1:
            return state
        buffer = io.BytesIO()
        if self.rank == 0:
            torch.save(state, buffer)
        size    = self.spread(buffer.getbuffer().nbytes)
        letters = torch.empty(size, dtype=torch.uint8, device=self.device)
        if self.rank == 0:
            letters.copy_(torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8))
        dist.broadcast(letters, src=0)
        if self.rank == 0:
            return state
        return torch.load(io.BytesIO(letters.cpu().numpy().tobytes()), map_location="cpu", weights_only=True)

    def gather(self, value):
        """The values of all processes in rank order."""

        if self.world == 1:
            return [value]
        box = [None] * self.world
        dist.all_gather_object(box, value)
        return box

    def wait(self):
        """Wait until all processes are here."""

        self.total([0.0])
