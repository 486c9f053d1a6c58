"""What params.yaml says about texts: their columns and the model."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from goldfold.config import Component, HeadConfig, ModelConfig, PrepareConfig
from goldfold.config.learning import Share
from goldfold.config.section import Arguments
from goldfold.imports import nearest
from goldfold.modalities.packages import place_of

Span = tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]

UNSPACED = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff"
"""The characters of scripts without spaces between words."""
MODELS = ("bilstm", "tfidf", "transformer", "features")
READS_WORDS = {"lowercase", "token_pattern", "min_count", "vocabulary_size"}
SETTINGS = {
    "bilstm": READS_WORDS | {"embedding", "hidden", "layers", "dropout", "pooling", "head"},
    "tfidf": READS_WORDS | {"estimator", "word_ngrams", "char_ngrams", "args"},
    "transformer": {"weights", "pooling", "head", "args"},
    "features": {"weights", "pooling", "estimator", "args"},
}
"""The settings that each model reads beside max_length; your own module reads those of words, and args."""


class TextPrepareConfig(PrepareConfig):
    """The texts."""

    columns: tuple[str, ...] = ()
    """The columns to read; by default those of both tables that hold several words on average."""
    separator: str = " "
    """What is put between the columns of a row."""
    vocabulary: Literal["fold", "all"] = "fold"
    """What words and their counts are learned from: the training rows of the fold, or all texts of training and test table."""


class TextModelConfig(ModelConfig):
    """The model of a text."""

    name: str = "bilstm"
    """bilstm; tfidf; transformer; features, those of a frozen transformer under `estimator`; or the import path of your own
    nn.Module, which is called with the size of the vocabulary, the number of outputs and `args`, and reads tokens (b, length)."""
    max_length: int | None = Field(None, ge=1)
    """How many tokens of a text are read, from its start: 256 by default; tfidf reads all characters."""
    lowercase: bool = True
    """Read words in lower case."""
    token_pattern: str = rf"[{UNSPACED}]|[^\W{UNSPACED}]+|[^\w\s]"
    """The regular expression that a word matches, as in scikit-learn's CountVectorizer; by default words,
    punctuation, and each character of a script without spaces between words (Chinese, Japanese, Thai)."""
    min_count: int = Field(2, ge=1)
    """The least number of texts that a word or n-gram has to be in; rarer ones are unknown."""
    vocabulary_size: int | None = Field(None, ge=1)
    """How many of the most frequent words are kept, 50,000 by default; of each kind of n-grams 200,000."""

    embedding: int = Field(128, ge=1)
    """The width of a word's embedding in the bilstm."""
    hidden: int = Field(128, ge=1)
    """The width of each direction of an LSTM layer."""
    layers: int = Field(1, ge=1, le=100)
    """LSTM layers on top of each other."""
    dropout: Share = 0.5
    """The share of the embedding's channels, for a whole text (Gal and Ghahramani 2016), and of each LSTM layer's outputs that is
    dropped in training."""
    pooling: Literal["attention", "mean", "max", "last", "first"] | None = None
    """How a text's tokens become its features: by default max in the bilstm and mean in a transformer.
    attention is that of Yang et al. 2016, last is where each direction ends, first is the token [CLS] of BERT."""
    head: HeadConfig = HeadConfig()
    """The head on the features."""

    estimator: str = "linear"
    """What reads the n-grams, or the features, with `args`: linear (LogisticRegression or Ridge), a name in scikit-learn, or an
    import path."""
    word_ngrams: Span | None = (1, 2)
    """The least and most words of a word n-gram; null leaves them out."""
    char_ngrams: Span | None = (2, 5)
    """The least and most characters of a character n-gram within a word; null leaves them out."""

    weights: str | None = None
    """A transformer's name on the Hugging Face hub, such as distilbert-base-uncased, the folder that it was saved to, or
    package:NAME, that of a package of requirements-weights.txt."""
    args: Arguments = Field({})
    """Arguments of the estimator or of your own module; for a transformer, values that replace those of its config."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        own = ":" in self.name
        if not own and self.name not in MODELS:
            raise ValueError(f"text has no model {self.name}{nearest(self.name, MODELS)}; it has {', '.join(MODELS)}")
        read = READS_WORDS | {"args"} if own else SETTINGS[self.name]
        unread = sorted(name for name in set.union(*SETTINGS.values()) - read if self._is_set(name))
        if unread:
            raise ValueError(f"{self.name} does not read {', '.join(unread)}: leave out other models' settings")
        if self.starts_pretrained and not self.weights:
            raise ValueError("a transformer needs its weights: a name on the Hugging Face hub, or a folder")
        if self.starts_pretrained and self.pooling == "attention":
            raise ValueError("a transformer attends by itself: pooling is mean, max, first or last")
        if self.name == "tfidf" and not (self.word_ngrams or self.char_ngrams):
            raise ValueError("tfidf reads word_ngrams, char_ngrams or both")
        return self

    def _is_set(self, name: str) -> bool:
        return bool(getattr(self, name) != type(self).model_fields[name].default)

    @property
    def starts_pretrained(self) -> bool:
        return self.name in ("transformer", "features")

    @property
    def reader(self) -> Component | None:
        return Component(name=self.estimator, **self.args) if self.name == "features" else None

    @property
    def augmentations(self) -> tuple[str, ...]:
        return ("WordDropout",) if self.name not in ("tfidf", "transformer", "features") else ()

    @property
    def files(self) -> tuple[Path, ...]:
        folder = place_of(self.weights or "") or Path()
        return (
            tuple(sorted(path for path in folder.iterdir() if path.is_file()))
            if self.weights and folder != Path() and folder.is_dir()
            else ()
        )


MODEL, PREPARE = TextModelConfig, TextPrepareConfig
