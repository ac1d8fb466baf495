"""Exercises on metrics beside lessons 11 to 13: F1 over words, BLEU over a set, ROUGE-L.

Mistakes that people make on the way: letters for words, repeated words that count too often, BLEU averaged
over sentences, one side tokenised and the other raw, answers that are empty.
"""

from llmasos_edu.exercises.metrics.bleu import CORPUS_BLEU, corpus_bleu
from llmasos_edu.exercises.metrics.overlap import TOKEN_F1, token_f1
from llmasos_edu.exercises.metrics.rouge import ROUGE_L, rouge_l

__all__ = ["EXERCISES", "corpus_bleu", "rouge_l", "token_f1"]

EXERCISES = [TOKEN_F1, CORPUS_BLEU, ROUGE_L]
