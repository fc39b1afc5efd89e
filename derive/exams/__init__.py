"""Question papers: a proved variant for each student, wrong answers that are diagnosed mistakes, and what was answered graded."""
