"""Pretrained weights: files in anybody's naming, the local cache, and the hub (a stand-in that speaks its protocol)."""

import http.server
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from tests.conftest import problem_of

from goldfold.errors import InputError
from goldfold.modalities.image.model import build_model
from goldfold.modalities.image.pretrained import pretrained_backbone
from goldfold.modalities.image.settings import ImageModelConfig

SPEC = {"size": 64, "progressive_sizes": [], "channels": 3, "mean": [0.5] * 3, "std": [0.2] * 3}
ROOT = Path(__file__).parents[2]


def config(name, path):
    return ImageModelConfig(name=name, pretrained=True, weights=str(path))


def with_statistics(model):
    """The model in evaluation, its batch norms with statistics that show where one is misplaced."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model.eval()


def features_before_the_classifier(model, image):
    seen = []
    last = [module for module in model.modules() if isinstance(module, torch.nn.Linear)][-1]
    handle = last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(image)
    handle.remove()
    return seen[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("theirs", "ours", "naming"),
    [
        ("resnet18", "resnet18", "timm's names"),
        ("mobilenet_v2", "mobilenetv2_100", "their order and shapes"),
        ("efficientnet_b0", "efficientnet_b0", "their order and shapes"),
        ("convnext_tiny", "convnext_tiny", "their order and shapes"),
        ("vit_b_16", "vit_base_patch16_224", "torchvision's names"),
    ],
)
@torch.no_grad()
def test_weights_of_torchvision_give_the_same_features(tmp_path, theirs, ours, naming):
    original = with_statistics(getattr(torchvision.models, theirs)())
    torch.save(original.state_dict(), tmp_path / "weights.pth")
    notes = []
    backbone, _ = pretrained_backbone(config(ours, tmp_path / "weights.pth"), {}, True, notes.append)
    image = torch.randn(1, 3, 224, 224)
    assert torch.allclose(backbone.eval()(image), features_before_the_classifier(original, image), atol=1e-3, rtol=1e-3)
    assert naming in notes[-1]


@pytest.mark.parametrize("wrap", [dict, lambda state: {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}}])
def test_a_checkpoint_of_timm_matches_with_or_without_its_wrapping(tmp_path, wrap):
    original = with_statistics(timm.create_model("test_resnet", num_classes=7))
    torch.save(wrap(original.state_dict()), tmp_path / "weights.pth")
    notes = []
    backbone, _ = pretrained_backbone(config("test_resnet", tmp_path / "weights.pth"), {}, True, notes.append)
    state = backbone.state_dict()
    assert all(torch.equal(state[name], original.state_dict()[name]) for name in state)
    assert f"{len(state)} of {len(state)} tensors" in notes[-1]


def test_a_network_that_timm_lacks_is_torchvisions_with_a_head_of_its_own(tmp_path):
    theirs = torchvision.models.shufflenet_v2_x0_5(num_classes=7).eval()
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    config = ImageModelConfig(name="shufflenet_v2_x0_5", pretrained=True, weights=str(tmp_path / "weights.pth"))
    notes = []
    ours = build_model(config, SPEC, problem_of(3), True, notes.append).eval()
    theirs.fc = torch.nn.Identity()
    image = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    pixels = (image.permute(0, 3, 1, 2) / 255 - 0.5) / 0.2
    with torch.inference_mode():
        assert torch.allclose(ours.features(image), theirs(pixels), atol=1e-4) and ours(image).shape == (2, 3)
    assert notes[0].endswith("matched by name; 2 not used") and ours.num_features == 1024
    grey = {**SPEC, "channels": 1}
    with pytest.raises(InputError, match="reads 3 channels, not 1"):
        build_model(config, grey, problem_of(3), False)


def test_weights_of_a_goldfold_model_bring_the_head_where_it_has_the_same_shape(tmp_path):
    original = build_model(ImageModelConfig(name="test_resnet"), SPEC, problem_of(4), pretrained=False)
    save_file({name: tensor.contiguous() for name, tensor in original.state_dict().items()}, tmp_path / "model.safetensors")
    same, other = (
        build_model(config("test_resnet", tmp_path / "model.safetensors"), SPEC, problem_of(n), pretrained=True) for n in (4, 5)
    )
    assert torch.equal(same.head.fc.weight, original.head.fc.weight)
    name = "layer1.0.conv1.weight"
    assert torch.equal(other.backbone.state_dict()[name], original.backbone.state_dict()[name])
    assert other.head.fc.weight.shape[0] == 5


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 2, 4, 7])
def test_the_first_layer_is_fitted_to_the_channels(tmp_path, channels):
    original = timm.create_model("resnet18")
    torch.save(original.state_dict(), tmp_path / "weights.pth")
    spec = {**SPEC, "channels": channels, "mean": [0.5] * channels, "std": [0.2] * channels}
    model = build_model(config("resnet18", tmp_path / "weights.pth"), spec, problem_of(2), pretrained=True)
    first, rgb = model.backbone.conv1.weight, original.conv1.weight
    assert first.shape[1] == channels
    if channels == 1:
        assert torch.allclose(first, rgb.sum(dim=1, keepdim=True), atol=1e-6)
    else:
        assert torch.allclose(first[:, 0], rgb[:, 0] * 3 / channels, atol=1e-6)
    assert model(torch.zeros(2, 64, 64, channels, dtype=torch.uint8)).shape == (2, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no weights", "is not a file of weights"),
        ({"a": torch.zeros(3)}, "does not fit test_resnet"),
        ({"epoch": 3}, "holds no tensors"),
        ("resnet18", "does not fit test_resnet"),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path, content, message):
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(timm.create_model(content).state_dict() if isinstance(content, str) else content, path)
    with pytest.raises(InputError, match=message):
        build_model(config("test_resnet", path), SPEC, problem_of(3), pretrained=True)


class Harmful:
    def __reduce__(self):
        return (print, ("a pickle ran",))


def test_no_pickle_is_opened(tmp_path, capsys):
    torch.save({"weights": Harmful()}, tmp_path / "weights.pth")
    with pytest.raises(InputError, match="is not a file of weights"):
        build_model(config("test_resnet", tmp_path / "weights.pth"), SPEC, problem_of(3), pretrained=True)
    assert "a pickle ran" not in capsys.readouterr().out


BUILD = textwrap.dedent("""
    import sys
    from goldfold.modalities.image.settings import ImageModelConfig
    from goldfold.errors import exit_with_message
    from goldfold.modalities.image.pretrained import pretrained_backbone
    with exit_with_message():
        backbone, _ = pretrained_backbone(ImageModelConfig(name="test_resnet", pretrained=True), {}, True, print)
        print("first", float(backbone.state_dict()["layer1.0.conv1.weight"].flatten()[0]))
""")


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of huggingface.co as the download of one file needs."""

    content = b""

    def answer(self, body):
        is_there = self.path.endswith("/resolve/main/model.safetensors")
        self.send_response(200 if is_there else 404)
        if is_there:
            self.send_header("X-Repo-Commit", "a" * 40)
            self.send_header("ETag", '"0123456789abcdef"')
        else:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("Content-Length", str(len(self.content) if is_there else 0))
        self.end_headers()
        if body and is_there:
            self.wfile.write(self.content)

    def do_GET(self):
        self.answer(body=True)

    def do_HEAD(self):
        self.answer(body=False)

    def log_message(self, *_):
        pass


def build(home, endpoint, **more):
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "src"), "HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    env |= {"HF_HOME": str(home), "TORCH_HOME": str(home), "HF_ENDPOINT": endpoint, **more}
    return subprocess.run([sys.executable, "-c", BUILD], env=env, capture_output=True, text=True, check=False, cwd=home)


@pytest.mark.slow
def test_weights_come_from_the_hub_once_and_from_the_cache_after(tmp_path):
    original = timm.create_model("test_resnet")
    save_file(original.state_dict(), tmp_path / "model.safetensors")
    Hub.content = (tmp_path / "model.safetensors").read_bytes()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    first = build(tmp_path, endpoint)
    server.shutdown()
    server.server_close()
    expected = float(original.state_dict()["layer1.0.conv1.weight"].flatten()[0])
    assert first.returncode == 0, first.stderr
    assert "downloading" in first.stdout and f"first {expected}" in first.stdout
    again = build(tmp_path, endpoint)
    assert again.returncode == 0 and "from the local cache" in again.stdout and f"first {expected}" in again.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "why"), [({}, "127.0.0.1:9 does not answer"), ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set")]
)
def test_without_network_and_cache_the_three_ways_out_are_refused_at_once(tmp_path, more, why):
    done = build(tmp_path, "http://127.0.0.1:9", **more)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert why in done.stderr
    assert all(way in done.stderr for way in ("go online once", "name it in model.weights", "set model.pretrained: false"))


@pytest.mark.slow
def test_a_host_that_swallows_packets_is_given_up_within_five_seconds(monkeypatch):
    from goldfold.modalities import hub

    done = threading.Event()

    def swallow(*_):
        done.wait(30)
        raise OSError

    monkeypatch.setattr(hub.socket, "create_connection", swallow)
    started = time.monotonic()
    assert not hub.answers("https://huggingface.co")
    assert time.monotonic() - started < 5
    done.set()
