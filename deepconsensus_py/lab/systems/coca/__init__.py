"""CoCa: one model that matches pictures with texts and writes captions.

Yu, Wang, Vasudevan, Yeung, Seyedhosseini and Wu 2022, "CoCa: Contrastive Captioners are Image-Text Foundation Models".
"""
