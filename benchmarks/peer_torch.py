"""torch.compile as a peer: the zoo's weights in torchvision's, timm's and transformers' models."""

import numpy as np
import onnx
import torch

from trtlab import zoo

Feeds = dict[str, np.ndarray]


def parameters_of(model: onnx.ModelProto) -> dict[str, torch.Tensor]:
    """The zoo's parameters in PyTorch's orientation: factors of MatMul are turned."""
    arrays = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    turned = {n.input[1] for n in model.graph.node if n.op_type == "MatMul"}
    return {
        name: torch.from_numpy(np.array(a.T if name in turned else a))
        for name, a in arrays.items()
        if a.dtype == np.float32
    }


def torch_model(name: str) -> torch.nn.Module:
    """The zoo's model in PyTorch, with the zoo's parameters.

    Raises:
        KeyError: A parameter has no counterpart.
    """
    if name == "bert_base":
        from transformers import BertConfig, BertModel  # noqa: PLC0415 - only for this case

        model = BertModel(BertConfig())
    elif name == "vit_b16":
        import timm  # noqa: PLC0415 - only for this case

        model = timm.create_model("vit_base_patch16_224", pretrained=False)
    else:
        import torchvision  # noqa: PLC0415 - only for these cases

        model = getattr(torchvision.models, name)(weights=None)
    known = parameters_of(zoo.build(name))
    wanted = model.state_dict()
    own = {k: known[k] for k in wanted if not k.endswith(("num_batches_tracked", "_ids"))}
    model.load_state_dict(own, strict=False)
    return model.eval().half().cuda()


class TorchPeer:
    """torch.compile in its default mode, captured into a CUDA graph."""

    def __init__(self, name: str, feeds: Feeds) -> None:
        model = torch_model(name)
        first = torch.from_numpy(next(iter(feeds.values()))).cuda()
        if first.dim() == 4:
            first = first.half()
            if name != "vit_b16":
                model = model.to(memory_format=torch.channels_last)
                first = first.to(memory_format=torch.channels_last)
        compiled = torch.compile(model)
        side = torch.cuda.Stream()
        with torch.no_grad(), torch.cuda.stream(side):
            for _ in range(5):
                compiled(first)
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            compiled(first)
            torch.cuda.synchronize()
        self.activation_bytes = torch.cuda.max_memory_allocated() - before
        self.graph = torch.cuda.CUDAGraph()
        with torch.no_grad(), torch.cuda.graph(self.graph):
            result = compiled(first)
        self._output = result if isinstance(result, torch.Tensor) else result[0]
        self._kept = (compiled, first)

    def output(self) -> np.ndarray:
        """The first output of the last replay."""
        torch.cuda.synchronize()
        return self._output.float().cpu().numpy()

    def replay_us(self, count: int) -> list[float]:
        """Microseconds of single replays."""
        times = []
        for _ in range(count):
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            self.graph.replay()
            end.record()
            end.synchronize()
            times.append(1e3 * start.elapsed_time(end))
        return times
