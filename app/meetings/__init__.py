"""Any gathering: agenda, notice, who comes, who came, minutes. Knows nothing of its occasion."""
