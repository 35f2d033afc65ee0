variable "name" {
  description = "First part of every name; also the cluster's name."
  type        = string
}

variable "environment" {
  description = "Second part of the metrics' namespace."
  type        = string
}

variable "place" {
  description = "Region, account and partition."
  type        = object({ region = string, account = string, partition = string })
}

variable "metrics" {
  description = "What aws/metrics.json holds: the namespace, and metrics by name."
  type        = any
}

variable "namespace" {
  description = "Kubernetes namespace of the application."
  type        = string
}

variable "logs_key_arn" {
  description = "KMS key of log groups."
  type        = string
}

variable "alerts_key_arn" {
  description = "KMS key of the topic."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
}

variable "trail_log_group" {
  description = "Log group of the audit trail."
  type        = string
}

variable "alert_emails" {
  description = "Addresses that alarms write to."
  type        = set(string)
}

variable "load_balancer" {
  description = "The part of the load balancer's ARN behind loadbalancer/; empty = none yet."
  type        = string
}

variable "composite_alarm" {
  description = "One alarm above all others of the service."
  type        = bool
}
