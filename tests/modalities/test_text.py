"""Texts, from the competition's files to predictions of a stranger's."""

import re
import sys

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from tests.conftest import predict_outside, problem_of, score_again, with_recipe
from tests.modalities.texts import SMALL, prepared_of, text_config, write_stories

from goldfold.competition import read_competition
from goldfold.config import Component, SplitConfig, parse_config
from goldfold.errors import InputError
from goldfold.inference.ensemble import Ensemble
from goldfold.modalities.text import learning as text
from goldfold.modalities.text import outside
from goldfold.modalities.text.learning import TextView
from goldfold.modalities.text.prepare import texts_of
from goldfold.modalities.text.settings import TextModelConfig
from goldfold.modalities.text.vocabulary import vectorizers
from goldfold.prediction import exports as exporting
from goldfold.prediction.test_set import predict
from goldfold.prepare import prepare
from goldfold.training import FoldResult, train_fold
from goldfold.training.reporter import Silent
from goldfold.training.stopping import Stopped
from goldfold.validation.cross_validation import validate

POOLINGS = ["attention", "mean", "max", "last", "first"]


def spec_of(prepared, rows=None, **model):
    return text.input_spec(TextModelConfig(**model), prepared, np.arange(len(prepared.train)) if rows is None else rows)


def test_the_columns_of_several_words_are_the_texts(tmp_path):
    root = write_stories(tmp_path / "data", rows=30)
    prepared, summary = prepared_of(root, tmp_path / "prepared")
    decided = {decision["setting"]: decision for decision in summary["decided"]}
    assert decided["text columns"]["value"] == "story" and "words on average" in decided["text columns"]["why"]
    assert summary["inputs"].startswith("texts of 0 to") and list(summary["blank"]) == ["train r1: no text"]
    spec = {"columns": ["story"], "separator": " "}
    assert texts_of(prepared.train, spec)[:2] == ['A ship, "quoted", and\na second line of wave; naïve – 海', ""]
    both, _ = prepared_of(root, tmp_path / "both", columns=("place", "story"), separator=" | ")
    assert re.match(r"[xy] \| A ship", texts_of(both.train, {"columns": ["place", "story"], "separator": " | "})[0])
    with pytest.raises(InputError, match="no column stroy; did you mean story"):
        prepared_of(root, tmp_path / "wrong", columns=("stroy",))
    table = pd.read_csv(root / "train.csv").drop(columns="story")
    table.to_csv(root / "train.csv", index=False)
    with pytest.raises(InputError, match=r"(?s)no column of both tables holds texts.*place: category"):
        prepared_of(root, tmp_path / "none")


def test_a_vocabulary_is_learned_from_the_rows_it_is_given_alone_or_from_all_texts(stories, tmp_path):
    sea = np.arange(0, len(stories.train), 2)
    words = spec_of(stories, sea)["words"]
    assert "ship" in words and "cloud" not in words and "zeppelin" not in words
    assert "naïve" not in words and "naïve" in spec_of(stories, sea, min_count=1)["words"]
    assert sorted(words) == words and len(spec_of(stories, vocabulary_size=3)["words"]) == 3
    everything, _ = prepared_of(stories.folder.parent / "data", tmp_path / "all", vocabulary="all")
    assert {"cloud", "zeppelin"} < set(spec_of(everything, sea)["words"])
    with pytest.raises(InputError, match="no vocabulary can be learned from 120 texts"):
        spec_of(stories, min_count=1000)


def test_a_batch_is_padded_to_its_own_longest_text(stories):
    spec = spec_of(stories, max_length=9)
    view = text.plain_view(stories, "train", spec)
    rows, inputs = view.__getitems__([(0, 1), (0, 0), (0, 4)])
    tokens, words = inputs["tokens"], ["", "", *spec["words"]]
    assert tokens.dtype == torch.int64 and tokens.shape == (3, view.lengths[[1, 0, 4]].max()) and tokens.shape[1] <= 9
    assert tokens[0].tolist() == [1, *[0] * (tokens.shape[1] - 1)], "a text without words is one unknown word"
    assert [words[token] for token in tokens[1]][:3] == ["a", "ship", ""] and view.lengths.max() == 9
    assert rows.tolist() == [1, 0, 4] and len(view.lengths) == len(stories.train)


def test_words_are_dropped_by_seed_epoch_and_row(stories):
    spec, rows = spec_of(stories), np.arange(120)
    drop = [Component(name="WordDropout", p=0.5)]
    view = text.training_view(stories, rows, spec, drop, seed=1, epochs=3)
    plain = text.plain_view(stories, "train", spec).__getitems__([(0, 4)])[1]["tokens"]
    first, again = (view.__getitems__([(2, 4)])[1]["tokens"] for _ in range(2))
    assert torch.equal(first, again) and not torch.equal(first, view.__getitems__([(1, 4)])[1]["tokens"])
    assert ((first == plain) | (first == 1)).all() and (first != plain).any()
    for wrong in ([Component(name="WordDropout")], [*drop, *drop]):
        with pytest.raises(InputError, match="texts take one WordDropout"):
            text.training_view(stories, rows, spec, wrong, seed=1, epochs=3)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_padding_changes_no_logits(pooling):
    torch.manual_seed(0)
    spec = {"words": list("abcdefgh")}
    model = text.build_model(TextModelConfig(**SMALL, layers=2, pooling=pooling), spec, problem_of(3), False).eval()
    rows = [torch.randint(1, 10, (length,)) for length in (1, 4, 30)]
    batch = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    alone = torch.cat([model(row[None]) for row in rows])
    assert torch.allclose(model(batch), alone, atol=1e-6)
    assert torch.allclose(model(torch.cat([batch, batch.new_zeros(3, 50)], dim=1)), alone, atol=1e-6)
    assert not torch.allclose(model(rows[2].flip(0)[None]), alone[2:], atol=1e-4) or pooling == "max"


@pytest.fixture(scope="module")
def trained(stories, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fold") / "0" / "0"
    return train_fold(stories, 0, 0, text_config(), folder), folder


def test_a_bilstm_learns_and_its_checkpoint_scores_the_same(stories, trained):
    result, folder = trained
    assert result.score > 0.95 and "bilstm" in (folder / "model.json").read_text()
    assert score_again(stories, FoldResult.load(folder)) == result.score


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 4])
def test_the_same_bits_for_any_number_of_workers_and_after_a_resume(stories, trained, tmp_path, workers):
    steps = iter(range(100))
    resumed = text_config(workers=workers)
    with pytest.raises(Stopped):
        train_fold(stories, 0, 0, resumed, tmp_path, scratch=tmp_path, stop=lambda: "interrupted" if next(steps) == 7 else None)
    result = train_fold(stories, 0, 0, resumed, tmp_path, scratch=tmp_path)
    assert all(torch.equal(tensor, trained[0].weights[name]) for name, tensor in result.weights.items())
    for column in ("train_loss", "valid_loss", "accuracy"):
        assert list(result.history[column]) == list(trained[0].history[column])


def test_the_padding_that_buckets_save_is_told_once(stories, tmp_path):
    class Notes(Silent):
        def __init__(self):
            self.texts = []

        def note(self, text):
            self.texts.append(text)

    for bucket, count in ((True, 1), (False, 0)):
        notes = Notes()
        train_fold(stories, 0, 0, text_config(epochs=1, bucket=bucket), tmp_path, notes)
        matches = [re.fullmatch(r"padding: (\d+)% of the inputs, (\d+)% without buckets", text) for text in notes.texts]
        assert len([match for match in matches if match and int(match[1]) < int(match[2])]) == count


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "least"),
    [({}, 0.95), ({"estimator": "MultinomialNB", "char_ngrams": None, "args": {"alpha": 0.1}}, 0.9)],
)
def test_tfidf_is_fitted_once_and_its_checkpoint_predicts_the_same(stories, tmp_path, model, least):
    result = train_fold(stories, 0, 0, text_config({"name": "tfidf", **model}, class_weights="balanced"), tmp_path)
    loaded = FoldResult.load(tmp_path)
    assert result.score >= least and score_again(stories, loaded) == result.score
    table = stories.train.iloc[[0, 1, 2]]
    names, ours, bad = predict_outside([loaded], table)
    rows = judge_rows(stories, result, table.index)
    assert len(names) == 3 and not bad and np.allclose(ours, rows)


def judge_rows(prepared, result, rows):
    """Probabilities of training rows, a batch of them at once."""
    _, inputs = text.plain_view(prepared, "train", result.spec).__getitems__([(0, int(row)) for row in rows])
    with torch.inference_mode():
        return result.codec.decode(result.build_model().eval()(**inputs))


def test_the_ngrams_are_those_of_scikit_learn(stories):
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = texts_of(stories.train, {"columns": ["story"], "separator": " "})
    ours = vectorizers(spec_of(stories, name="tfidf", char_ngrams=None))[0].transform(texts)
    options = {"token_pattern": TextModelConfig().token_pattern, "ngram_range": (1, 2), "min_df": 2, "sublinear_tf": True}
    assert np.allclose(ours.toarray(), TfidfVectorizer(**options).fit_transform(texts).toarray(), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("model", [{}, {"name": "tfidf"}])
@pytest.mark.parametrize("task", ["regression", "multilabel"])
def test_other_tasks_than_classes(tmp_path, task, model):
    sea = np.array([row % 2 == 0 for row in range(60)])
    targets = {"salty": sea.astype(int), "high": 1 - sea} if task == "multilabel" else {"label": np.where(sea, 2.5, -1.0)}
    root = write_stories(tmp_path / "data", rows=60, **targets)
    asked = {"target": tuple(targets), "task": task}
    prepared, _ = prepared_of(root, tmp_path / "prepared", asked)
    result = train_fold(prepared, 0, 0, text_config(model, epochs=8, monitor="loss"), tmp_path / "fold")
    assert score_again(prepared, FoldResult.load(tmp_path / "fold")) == pytest.approx(result.score)
    assert result.score < 1.5 if task == "regression" else result.score > 0.9


OWN = """
import torch

class Bag(torch.nn.Module):
    def __init__(self, vocabulary, outputs, width=4):
        super().__init__()
        self.embedding = torch.nn.EmbeddingBag(vocabulary, width, padding_idx=0)
        self.head = torch.nn.Linear(width, outputs)

    def forward(self, tokens):
        return self.head(self.embedding(tokens))

class Wrong(Bag):
    def __init__(self, vocabulary, outputs):
        super().__init__(vocabulary, 7)
"""


def test_a_network_of_ones_own(stories, tmp_path, own_code):
    (own_code / "own_text.py").write_text(OWN)
    result = train_fold(stories, 0, 0, text_config({"name": "own.own_text:Bag", "args": {"width": 8}}, lr=0.1), tmp_path / "fold")
    assert result.score > 0.9
    with pytest.raises(InputError, match=r"gives \(2, 7\) for two texts, not \(2, 1\)"):
        train_fold(stories, 0, 0, text_config({"name": "own.own_text:Wrong"}), tmp_path / "fold")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"name": "bilsmt"}, "text has no model bilsmt; did you mean bilstm"),
        ({"name": "tfidf", "hidden": 3}, "tfidf does not read hidden"),
        ({"name": "bilstm", "args": {"x": 1}}, "bilstm does not read args"),
        ({"name": "transformer"}, "a transformer needs its weights"),
        ({"name": "transformer", "weights": "x", "pooling": "attention"}, "a transformer attends by itself"),
        ({"name": "tfidf", "word_ngrams": None, "char_ngrams": None}, "tfidf reads word_ngrams"),
    ],
)
def test_settings_that_do_not_fit_are_refused(model, message):
    with pytest.raises(InputError, match=message):
        text_config(model)


@pytest.mark.parametrize(
    ("model", "sections", "message"),
    [
        (SMALL, {"train": {"mix": [{"name": "MixUp"}]}}, "MixUp and CutMix mix images alone"),
        (SMALL, {"predict": {"tta": ["HorizontalFlip"]}}, "predict.tta: HorizontalFlip does not apply"),
        (SMALL, {"augment": ["HorizontalFlip"]}, "augment: HorizontalFlip does not apply .* take WordDropout"),
        ({"name": "tfidf"}, {"augment": [{"name": "WordDropout", "p": 0.1}]}, "augment: WordDropout does not apply"),
    ],
)
def test_what_texts_cannot_be_changed_by_is_refused_when_params_yaml_is_read(model, sections, message):
    with pytest.raises(InputError, match=message):
        parse_config({"competition": {"path": "x", "modality": "text"}, "model": model, **sections})


def test_texts_from_outside(stories, trained, tmp_path):
    (tmp_path / "notes").mkdir()
    for name, content in (("b.txt", "a cloud, a bird and a wing"), ("a.txt", "the ship of a crew")):
        (tmp_path / "notes" / name).write_text(content)
    names, sky, _ = predict_outside([trained[0]], outside.read_files([tmp_path / "notes"]))
    assert [name[-5:] for name in names] == ["a.txt", "b.txt"] and sky[0] < 0.5 < sky[1]
    table = stories.train[["id", "place", "story"]]
    table.to_csv(tmp_path / "rows.csv", index=False)
    names, predictions, _ = predict_outside([trained[0]], outside.read_files([tmp_path / "rows.csv"])[:9])
    assert names[0].endswith("rows.csv row 2") and np.allclose(predictions, judge_rows(stories, trained[0], range(9)), atol=1e-6)
    with pytest.raises(InputError, match="give text files"):
        outside.read_files([tmp_path / "notes", tmp_path / "rows.csv"])
    with pytest.raises(InputError, match="the rows have no column story"):
        outside.outside_view(table.drop(columns="story"), trained[0].spec, None, {})


def test_a_stranger_makes_the_ids_by_the_card_alone(stories):
    spec = spec_of(stories, max_length=12)
    card = outside.describe(spec)
    encoding = card["encoding"]
    index = {word: number for number, word in enumerate(encoding["words"], start=2)}
    _, inputs = TextView(texts_of(stories.train, spec), spec).__getitems__([(0, row) for row in range(120)])
    assert card["input"] == {"name": "tokens", "shape": ["batch", "length"], "dtype": "int64"}
    for row, tokens in zip(stories.train.to_dict("records"), inputs["tokens"], strict=True):
        joined = (
            encoding["separator"].join(row[name] if isinstance(row[name], str) else "" for name in encoding["columns"]).strip()
        )
        words = re.findall(encoding["token_pattern"], joined.lower() if encoding["lowercase"] else joined)[
            : encoding["max_length"]
        ]
        ids = [index.get(word, 1) for word in words] or [1]
        assert tokens.tolist() == ids + [0] * (len(tokens) - len(ids))


@pytest.mark.slow
def test_an_exported_bilstm_reads_texts_of_any_length(stories, trained, tmp_path):
    exporting.export(trained[0], stories, ["onnx", "torchscript", "torch_export"], tmp_path)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    script, program = torch.jit.load(tmp_path / "model.torchscript.pt"), torch.export.load(tmp_path / "model.pt2").module()
    model = trained[0].build_model().eval()
    with torch.inference_mode():
        for shape in ((2, 5), (7, 60)):
            tokens = torch.randint(1, 5, shape)
            (by_onnx,) = session.run(None, {"tokens": tokens.numpy()})
            for logits in (torch.from_numpy(by_onnx), script(tokens=tokens), program(tokens=tokens)):
                assert torch.allclose(logits, model(tokens=tokens), atol=1e-5)


def test_without_its_library_a_transformer_tells_the_command_that_installs_it(stories, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InputError, match=r"pip install -r requirements-transformers.txt"):
        train_fold(stories, 0, 0, text_config({"name": "transformer", "weights": "distilbert-base-uncased"}), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "metric", "rows", "columns", "least"),
    [("spooky-author", "accuracy", 600, ["text"], 0.6), ("nlp-getting-started", "accuracy", 600, ["text"], 0.6)],
)
def test_real_texts(shared_data, tmp_path, name, metric, rows, columns, least):
    asked = {"target": None, "metric": metric}
    prepared, _ = prepared_of(shared_data / name, tmp_path / "prepared", asked, rows=rows)
    result = train_fold(prepared, 0, 0, text_config({"name": "tfidf"}), tmp_path / "fold")
    assert result.spec["columns"] == columns and result.score > least


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["text-bilstm", "text-tfidf"])
def test_a_recipe_of_texts_goes_all_the_way_to_a_submission(stories, tmp_path, recipe):
    tree = with_recipe(recipe)
    tree["train"] |= {"epochs": 2, "batch_size": 16, "workers": 0}
    asked = parse_config(tree)
    folds = [train_fold(stories, fold, 0, asked, tmp_path / str(fold)) for fold in (0, 1, 2)]
    assert validate(stories, folds, asked.validate_).scores.score > 0.9
    submission = predict(stories, Ensemble(folds, asked.predict))
    assert len(submission.predictions) == len(stories.test)
    submission.save(tmp_path / "submission")


@pytest.mark.slow
def test_texts_beside_a_table(stories, tmp_path):
    model = {"text": SMALL, "table": {"hidden": [8]}}
    tree = {
        "competition": {"path": str(stories.folder.parent / "data"), "target": "label", "modality": "text+table"},
        "model": model,
    }
    asked = parse_config({**tree, "train": {"epochs": 5, "batch_size": 16, "lr": 0.01, "workers": 0, "precision": "fp32"}})
    read = read_competition(asked.competition)
    prepared, _ = prepare(read, SplitConfig(n_folds=3, folds=(0, 1, 2)), asked.prepare, tmp_path / "prepared")
    result = train_fold(prepared, 0, 0, asked, tmp_path / "fold")
    assert result.score > 0.9
    _, predictions, bad = predict_outside([result], stories.train.iloc[:4])
    assert len(predictions) == 4 and not bad


def test_a_script_without_spaces_is_read_by_its_characters():
    assert re.findall(TextModelConfig().token_pattern, "今日は good, ไทย") == ["今", "日", "は", "good", ",", "ไ", "ท", "ย"]
