variable "name" {
  description = "First part of every name."
  type        = string
}

variable "place" {
  description = "Region, account and partition."
  type        = object({ region = string, account = string, partition = string })
}

variable "project" {
  description = "Value of the tag Project, whose costs the budget counts."
  type        = string
}

variable "budget_usd_month" {
  description = "What may be spent a month; 0 = no budget [USD]."
  type        = number
}

variable "alert_topic_arn" {
  description = "Topic that the budget notifies."
  type        = string
}

variable "alert_emails" {
  description = "Addresses that the budget writes to."
  type        = set(string)
}

variable "billing_alarm" {
  description = "Alarm on the account's estimated charges."
  type        = bool
}

variable "cost_allocation_tags" {
  description = "Tags to activate for cost reports."
  type        = set(string)
}

variable "office_hours" {
  description = "When the nodes run; null = always."
  type        = object({ start = string, stop = string, time_zone = string })
}

variable "cluster_name" {
  description = "The cluster."
  type        = string
}

variable "node_groups" {
  description = "Node groups by purpose."
  type        = map(object({ name = string, arn = string, label = string, taints = list(string), min = number, max = number }))
}

variable "key_deletion_days" {
  description = "Days between the deletion of a key and its end."
  type        = number
}
