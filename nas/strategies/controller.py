"""The RNN controller of MnasNet's search: one LSTM step and one softmax a gene."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Controller(nn.Module):
    """A policy over encodings that chooses gene after gene.

    At each step the LSTM reads an embedding of the choice before (of a start mark at first) and
    the gene's own softmax, as wide as the gene has options, gives the next.

    Args:
        options: how many options each gene has.
        hidden: width of the LSTM and of the embeddings.
        seed: of the initial weights.
    """

    missing: Tensor
    offset: Tensor

    def __init__(self, options: Sequence[int], hidden: int, seed: int) -> None:
        super().__init__()
        self.genes = len(options)
        widest = max(options)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            # Embedding 0 is the start mark; option o of gene g is 1 + g·widest + o.
            self.embedding = nn.Embedding(1 + self.genes * widest, hidden)
            self.lstm = nn.LSTM(hidden, hidden, batch_first=True)
        # Heads start at zero, so that the first samples are uniform over the space.
        self.weight = nn.Parameter(torch.zeros(self.genes, hidden, widest))
        self.bias = nn.Parameter(torch.zeros(self.genes, widest))
        counts = torch.tensor(list(options))
        self.register_buffer("missing", torch.arange(widest)[None] >= counts[:, None])
        self.register_buffer("offset", 1 + widest * torch.arange(self.genes))

    def log_probabilities(self, encodings: Tensor) -> Tensor:
        """Of every option of every gene, given the choices before it.

        From (batch, genes) to (batch, genes, widest); −inf where a gene has no such option.
        """
        start = torch.zeros_like(encodings[:, :1])
        before = torch.cat([start, (encodings + self.offset)[:, :-1]], dim=1)
        hidden, _ = self.lstm(self.embedding(before))  # (batch, genes, hidden)
        logits = torch.einsum("bgh,gho->bgo", hidden, self.weight) + self.bias
        return self._normalize(logits, self.missing)

    @torch.no_grad()
    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Encodings from the policy, (count, genes)."""
        token = torch.zeros(count, 1, dtype=torch.long)
        state: tuple[Tensor, Tensor] | None = None
        chosen = []
        for gene in range(self.genes):
            hidden, state = self.lstm(self.embedding(token), state)
            logits = hidden[:, 0] @ self.weight[gene] + self.bias[gene]
            probabilities = self._normalize(logits, self.missing[gene]).exp()
            option = torch.multinomial(probabilities, 1, generator=generator)
            chosen.append(option)
            token = option + self.offset[gene]
        return torch.cat(chosen, dim=1)

    def _normalize(self, logits: Tensor, missing: Tensor) -> Tensor:
        return logits.masked_fill(missing, float("-inf")).log_softmax(dim=-1)
